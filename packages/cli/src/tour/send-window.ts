import { assert, sleep } from "@stratalog/base";
import type { TourAck, TourWrite } from "./tour-client.ts";
import type { TourContext } from "./tour-context.ts";

const INFLIGHT_MAX = 20_000;
const WAIT_MS = 1;

/**
 * Sends with a bounded number in flight. The first failure ends everything: what became of that
 * write is unknown, and so would be what a replay has to give.
 */
export class SendWindow {
  readonly #context: Pick<TourContext, "client" | "timers" | "signal">;
  #inflightCount = 0;
  #ackedCount = 0;
  #failure: Error | undefined;

  constructor(context: Pick<TourContext, "client" | "timers" | "signal">) {
    this.#context = context;
  }

  get ackedCount(): number {
    return this.#ackedCount;
  }

  /** How many writes may be sent now. Invariant: 0 <= room. */
  get room(): number {
    return INFLIGHT_MAX - this.#inflightCount;
  }

  send(write: TourWrite, onAck: (ack: TourAck) => void = () => {}): void {
    assert(this.room > 0, "a write was sent into a full window");
    this.#inflightCount += 1;
    this.#context.client
      .send(write)
      .then((ack) => {
        this.#ackedCount += 1;
        onAck(ack);
      })
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => {
        this.#inflightCount -= 1;
      });
  }

  /**
   * Lets acknowledgements in: for a turn when there is room, until there is some when there is
   * none.
   */
  async breathe(): Promise<void> {
    const { timers, signal } = this.#context;
    do {
      await sleep(timers, this.room > 0 ? 0 : WAIT_MS, signal);
      this.throwFailure();
    } while (this.room === 0);
  }

  /** Resolves when every write is acknowledged. */
  async settle(onProgress: () => void = () => {}): Promise<void> {
    const { timers, signal } = this.#context;
    while (this.#inflightCount > 0) {
      await sleep(timers, WAIT_MS, signal);
      this.throwFailure();
      onProgress();
    }
    this.throwFailure();
  }

  throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
