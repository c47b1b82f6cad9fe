import type { BrokerHealth } from "../http/broker-pages.ts";

/**
 * Where a broker is in its life. `ready` and back: clients may be sent here or should not be for
 * now.
 */
export type BrokerPhase = "starting" | "forming" | "registering" | "running" | "stopping";

const UNREADY_REASONS: Readonly<Record<Exclude<BrokerPhase, "running">, string>> = {
  starting: "the logs are being recovered",
  forming: "the cluster has not formed yet: a majority of the seeds must be reachable",
  registering: "the broker is not registered with the controller yet",
  stopping: "the broker is stopping",
};

/** What the broker says of itself to probes. */
export class BrokerLife implements BrokerHealth {
  #phase: BrokerPhase = "starting";
  #fatalReason: string | undefined;
  #moreReasons: () => readonly string[] = () => [];

  /** Goes on to a phase; there is none after "stopping". */
  enter(phase: BrokerPhase): void {
    if (this.#phase !== "stopping") this.#phase = phase;
  }

  /** What keeps a running broker from being ready. */
  watch(moreReasons: () => readonly string[]): void {
    this.#moreReasons = moreReasons;
  }

  /** Going on would be wrong; said once, kept for ever. */
  fail(reason: string): void {
    this.#fatalReason ??= reason;
  }

  fatalReason(): string | undefined {
    return this.#fatalReason;
  }

  unreadyReasons(): readonly string[] {
    if (this.#fatalReason !== undefined) return [this.#fatalReason];
    if (this.#phase !== "running") return [UNREADY_REASONS[this.#phase]];
    return this.#moreReasons();
  }
}
