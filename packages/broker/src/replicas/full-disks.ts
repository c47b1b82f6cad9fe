import type { BrokerId, Clock, ReplicaIdentity, Timer, Timers } from "@stratalog/base";
import type { NewsChannel } from "./leader-gossip.ts";

const TOPIC = "disk";
/** How often a full disk is told of, and a change is looked for. */
const TELL_EVERY_MS = 1_000;
/** News older than this is forgotten: a broker that is gone has no disk. */
const KEPT_MS = 5_000;
const FULL = new Uint8Array([1]);
const ROOMY = new Uint8Array([0]);

/**
 * Which brokers have their disks at the reserve, as they say once a second. A leader asks before it
 * takes records: followers store whatever it takes, into the reserve that they keep for votes and
 * for what frees space.
 */
export class FullDisks {
  readonly #channel: NewsChannel;
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #isOwnFull: () => boolean;
  readonly #onFull: (broker: BrokerId) => void;
  /** When a broker last said that its disk is full. At most one entry per broker. */
  readonly #saidAtMs = new Map<BrokerId, number>();
  #timer: Timer | undefined;
  #wasFull = false;

  constructor(options: {
    readonly channel: NewsChannel;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly isOwnFull: () => boolean;
    /** Called each time that another broker says that its disk is full. */
    readonly onFull: (broker: BrokerId) => void;
  }) {
    this.#channel = options.channel;
    this.#clock = options.clock;
    this.#timers = options.timers;
    this.#isOwnFull = options.isOwnFull;
    this.#onFull = options.onFull;
  }

  start(): void {
    this.#channel.on(TOPIC, (from, body) => this.#receive(from, body));
    this.#setTimer();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** Whether too few of the replicas have room: what is taken now could not become durable. */
  leaveNoMajority(replicas: readonly ReplicaIdentity[]): boolean {
    if (this.#saidAtMs.size === 0) return false;
    const roomy = replicas.filter(({ brokerId }) => !this.isFull(brokerId)).length;
    return roomy <= Math.floor(replicas.length / 2);
  }

  /** Whether a broker said lately that its disk is full. */
  isFull(broker: BrokerId): boolean {
    const saidAtMs = this.#saidAtMs.get(broker);
    return saidAtMs !== undefined && this.#clock.monotonicMs() - saidAtMs < KEPT_MS;
  }

  #receive(from: BrokerId, body: Uint8Array): void {
    if (body[0] !== FULL[0]) {
      this.#saidAtMs.delete(from);
      return;
    }
    this.#saidAtMs.set(from, this.#clock.monotonicMs());
    this.#onFull(from);
  }

  #setTimer(): void {
    this.#timer = this.#timers.after(TELL_EVERY_MS, () => {
      const isFull = this.#isOwnFull();
      if (isFull) this.#channel.broadcast(TOPIC, FULL);
      else if (this.#wasFull) this.#channel.broadcast(TOPIC, ROOMY);
      this.#wasFull = isFull;
      this.#setTimer();
    });
  }
}
