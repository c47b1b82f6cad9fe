import type { BrokerId, Logger, Random, Timer, Timers } from "@stratalog/base";
import {
  type Lane,
  LANES,
  type PeerAddress,
  type PeerDownReason,
  type PeerHello,
  type PeerMessageKind,
  type SendResult,
} from "../ports/peer-link.ts";
import { OutgoingLane } from "./outgoing-lane.ts";
import type { PeerTls, TcpLimits } from "./tcp-options.ts";

/** What a peer tells the link. */
export interface OutgoingPeerEvents {
  onUp(peer: BrokerId, hello: PeerHello): void;
  onDown(peer: BrokerId, reason: PeerDownReason): void;
  onDrained(peer: BrokerId, lane: Lane): void;
  /** A text says why the other side is not welcome. */
  checkHello(hello: PeerHello): string | undefined;
  /** What to say of this side at the next dial. */
  hello(): PeerHello;
}

/** What one peer's outgoing side needs. */
export interface OutgoingPeerOptions {
  readonly peer: BrokerId;
  readonly address: PeerAddress;
  readonly limits: TcpLimits;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly tls?: PeerTls | undefined;
  readonly events: OutgoingPeerEvents;
}

/**
 * The two connections that this broker dials to one peer. Each broker dials for what it sends, so
 * each finds out by its own dial whether a peer that went away refuses: the evidence that its
 * process is dead.
 *
 * The peer is up while both lanes are open to the same incarnation; when one goes, the other is
 * closed too.
 */
export class OutgoingPeer {
  readonly address: PeerAddress;
  readonly #options: OutgoingPeerOptions;
  readonly #lanes = new Map<Lane, OutgoingLane>();
  readonly #hellos = new Map<Lane, PeerHello>();
  #state: "connecting" | "up" | "waiting" | "stopped" = "waiting";
  #redialTimer: Timer | undefined;
  #redialMs = 0;
  #attemptReason: PeerDownReason | undefined;
  #reported: PeerDownReason | "up" | undefined;

  constructor(options: OutgoingPeerOptions) {
    this.#options = options;
    this.address = options.address;
  }

  get isUp(): boolean {
    return this.#state === "up";
  }

  /**
   * Dials now if nothing is open or being dialled: at the start, and when the peer was heard from.
   */
  dialNow(): void {
    if (this.#state !== "waiting") return;
    this.#redialTimer?.cancel();
    this.#state = "connecting";
    this.#attemptReason = undefined;
    const { limits, timers, logger, events, address, tls } = this.#options;
    for (const lane of LANES) {
      const hello = events.hello();
      const shared = { lane, address, hello, limits, timers, logger, tls };
      this.#lanes.set(lane, new OutgoingLane({ ...shared, events: this.#laneEvents() }));
    }
  }

  send(lane: Lane, kind: PeerMessageKind, parts: readonly Uint8Array[]): SendResult {
    if (this.#state !== "up") return "down";
    return this.#lanes.get(lane)?.send(kind, parts) ?? "down";
  }

  ping(): void {
    for (const lane of this.#lanes.values()) lane.ping();
  }

  /** Closes both connections for good; no event follows. */
  stop(): void {
    this.#state = "stopped";
    this.#redialTimer?.cancel();
    this.#closeLanes("closed");
  }

  #laneEvents(): ConstructorParameters<typeof OutgoingLane>[0]["events"] {
    const { peer, events } = this.#options;
    return {
      onOpen: (lane, hello) => this.#handleOpen(lane, hello),
      onClosed: (lane, reason) => this.#handleClosed(lane, reason),
      onDrained: (lane) => {
        if (this.#state === "up") events.onDrained(peer, lane);
      },
      checkWelcome: (hello) => {
        if (hello.brokerId !== peer) return `broker ${hello.brokerId} answers for ${peer}`;
        return events.checkHello(hello);
      },
    };
  }

  #handleOpen(lane: Lane, hello: PeerHello): void {
    if (this.#state !== "connecting") return;
    this.#hellos.set(lane, hello);
    const [control, bulk] = [this.#hellos.get("control"), this.#hellos.get("bulk")];
    if (control === undefined || bulk === undefined) return;
    if (control.incarnation !== bulk.incarnation) {
      // The peer restarted between the two dials.
      this.#closeLanes("closed");
      return;
    }
    this.#state = "up";
    this.#redialMs = 0;
    this.#reported = "up";
    this.#options.events.onUp(this.#options.peer, hello);
  }

  #handleClosed(lane: Lane, reason: PeerDownReason): void {
    this.#lanes.delete(lane);
    this.#hellos.delete(lane);
    if (this.#state === "stopped") return;
    const wasUp = this.#state === "up";
    // The lane that failed first knows why; the other one was only closed with it.
    this.#attemptReason ??= reason;
    this.#state = "connecting";
    this.#closeLanes(reason);
    if (wasUp) this.#report(this.#attemptReason);
    if (this.#lanes.size === 0) this.#handleAllClosed(wasUp);
  }

  #handleAllClosed(wasUp: boolean): void {
    const reason = this.#attemptReason ?? "closed";
    if (!wasUp) this.#report(reason);
    this.#state = "waiting";
    const delayMs = this.#redialMs;
    const { limits, random, timers } = this.#options;
    this.#redialMs = Math.min(limits.redialMaxMs, Math.max(limits.redialMinMs, delayMs * 2));
    if (reason === "rejected") this.#redialMs = limits.redialMaxMs;
    // Half of the pause is random, so that many brokers do not dial one in step.
    const jitteredMs = delayMs / 2 + random.below(Math.floor(delayMs / 2) + 1);
    this.#redialTimer = timers.after(jitteredMs, () => this.dialNow());
  }

  #closeLanes(reason: PeerDownReason): void {
    for (const lane of this.#lanes.values()) lane.close(reason);
  }

  #report(reason: PeerDownReason): void {
    if (this.#reported === reason) return;
    this.#reported = reason;
    this.#options.events.onDown(this.#options.peer, reason);
  }
}
