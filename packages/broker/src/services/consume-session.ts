import { CodedError, type Timers } from "@stratalog/base";
import type { FetchResult } from "@stratalog/partition";
import type { PartitionFinder } from "./partition-finder.ts";
import type { ServiceMetrics } from "./service-metrics.ts";
import type { ConsumePush, SubscribeRequest, Subscription } from "./subscription.ts";

/** The stream behind a session. */
export interface ConsumeStream {
  /** Whether a message may be sent now; `ConsumeSession.onWritable` when that becomes true. */
  readonly isWritable: boolean;
  send(pushes: readonly ConsumePush[]): void;
}

/** Sizes and bounds of one stream. */
export interface ConsumeSessionLimits {
  /** Bytes of batches per message, soft: a single larger batch is sent whole. */
  readonly messageBytes: number;
  /** Bytes of batches of one partition per message, soft likewise. */
  readonly partitionBytes: number;
  readonly subscriptionCount: number;
  /** Credit that a client may heap up. */
  readonly creditBytes: number;
  /** Reads from disk under way at once. */
  readonly readCount: number;
}

/** Default sizes and bounds. */
export const CONSUME_SESSION_LIMITS: ConsumeSessionLimits = {
  messageBytes: 512 * 1024,
  partitionBytes: 512 * 1024,
  subscriptionCount: 10_000,
  creditBytes: 64 * 1024 * 1024,
  readCount: 4,
};

/**
 * One client's stream of partitions. Subscriptions that may have something wait in one queue and
 * take turns, so that a busy partition does not starve the others. Batches leave while there is
 * credit and the stream takes more; what is not read yet costs nothing. There is no timer:
 * partitions call when they have something.
 *
 * Invariants: a subscription is read by at most one read at a time, so its pushes are in order of
 * offset; the bytes read and not sent are at most readCount reads and one message.
 */
export class ConsumeSession {
  readonly #finder: PartitionFinder;
  readonly #stream: ConsumeStream;
  readonly #timers: Timers;
  readonly #metrics: ServiceMetrics;
  readonly #limits: ConsumeSessionLimits;
  readonly #subscriptions = new Map<number, Subscription>();
  /** In order of turn. Holds whom `isQueued` says, and some that are gone. */
  #queue: Subscription[] = [];
  #pushes: ConsumePush[] = [];
  #pushedBytes = 0;
  #creditBytes = 0;
  #readCount = 0;
  #isPumpDue = false;
  #isClosed = false;

  constructor(options: {
    readonly finder: PartitionFinder;
    readonly stream: ConsumeStream;
    readonly timers: Timers;
    readonly metrics: ServiceMetrics;
    readonly limits?: Partial<ConsumeSessionLimits>;
  }) {
    this.#finder = options.finder;
    this.#stream = options.stream;
    this.#timers = options.timers;
    this.#metrics = options.metrics;
    this.#limits = { ...CONSUME_SESSION_LIMITS, ...options.limits };
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  get creditBytes(): number {
    return this.#creditBytes;
  }

  /**
   * Begins to read a partition. Where it cannot be read is said by a push; a number in use throws
   * INVALID_REQUEST.
   */
  subscribe(request: SubscribeRequest): void {
    if (this.#isClosed) return;
    const { id } = request;
    if (this.#subscriptions.has(id)) {
      throw new CodedError("INVALID_REQUEST", `subscription ${id} is in use on this stream`);
    }
    if (this.#subscriptions.size >= this.#limits.subscriptionCount) {
      const { subscriptionCount } = this.#limits;
      throw new CodedError("INVALID_REQUEST", `a stream has ${subscriptionCount} subscriptions`);
    }
    try {
      const replica = this.#finder.find(request);
      const subscription: Subscription = {
        id,
        replica,
        leaderEpoch: request.leaderEpoch,
        offset: request.offset,
        generation: 0,
        isPaused: false,
        isReading: false,
        hasNews: false,
        isQueued: false,
        isAnnounced: false,
        stopListening: () => {},
      };
      this.#subscriptions.set(id, subscription);
      subscription.stopListening = replica.onAvailable(() => this.#enqueue(subscription));
      this.#enqueue(subscription);
    } catch (error) {
      this.#pushError({ id, generation: 0 }, error);
    }
  }

  /** Moves a subscription; unknown ones are ignored, they may have just failed. */
  seek(id: number, offset: number, generation: number): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    subscription.offset = offset;
    subscription.generation = generation;
    subscription.isAnnounced = false;
    this.#enqueue(subscription);
  }

  pause(ids: readonly number[]): void {
    for (const id of ids) {
      const subscription = this.#subscriptions.get(id);
      if (subscription !== undefined) subscription.isPaused = true;
    }
  }

  resume(ids: readonly number[]): void {
    for (const id of ids) {
      const subscription = this.#subscriptions.get(id);
      if (subscription === undefined) continue;
      subscription.isPaused = false;
      this.#enqueue(subscription);
    }
  }

  unsubscribe(ids: readonly number[]): void {
    for (const id of ids) this.#remove(id);
  }

  /** Grants bytes; what is beyond the bound is forgotten. */
  grant(bytes: number): void {
    this.#creditBytes = Math.min(this.#creditBytes + bytes, this.#limits.creditBytes);
    this.#pumpSoon();
  }

  /** The stream can take a message. */
  onWritable(): void {
    this.#pump();
  }

  /** The stream is gone: lets go of every partition. */
  close(): void {
    this.#isClosed = true;
    for (const id of this.#subscriptions.keys()) this.#remove(id);
    this.#queue = [];
    this.#pushes = [];
  }

  #remove(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (subscription === undefined) return;
    this.#subscriptions.delete(id);
    subscription.stopListening();
  }

  #isLive(subscription: Subscription): boolean {
    return this.#subscriptions.get(subscription.id) === subscription;
  }

  #enqueue(subscription: Subscription): void {
    if (subscription.isQueued || subscription.isPaused || !this.#isLive(subscription)) return;
    if (subscription.isReading) {
      // The read under way may have begun before the news; look again after it.
      subscription.hasNews = true;
      return;
    }
    subscription.isQueued = true;
    this.#queue.push(subscription);
    this.#pumpSoon();
  }

  #pumpSoon(): void {
    if (this.#isPumpDue || this.#isClosed) return;
    this.#isPumpDue = true;
    this.#timers.endOfTurn(() => {
      this.#isPumpDue = false;
      this.#pump();
    });
  }

  /** Reads and sends while there is something, credit, and room in the stream. */
  #pump(): void {
    while (!this.#isClosed && this.#stream.isWritable) {
      this.#gather();
      if (this.#pushes.length === 0) return;
      const pushes = this.#pushes;
      this.#pushes = [];
      this.#pushedBytes = 0;
      this.#stream.send(pushes);
    }
  }

  /** Fills one message, each queued subscription having one turn at most. */
  #gather(): void {
    const turns = this.#queue;
    this.#queue = [];
    let index = 0;
    for (; index < turns.length && this.#mayRead(); index++) {
      const subscription = turns[index] as Subscription;
      subscription.isQueued = false;
      if (subscription.isPaused || !this.#isLive(subscription)) continue;
      this.#read(subscription);
    }
    // Those that had no turn come before those that did.
    if (index < turns.length) this.#queue = [...turns.slice(index), ...this.#queue];
  }

  #mayRead(): boolean {
    return (
      this.#creditBytes > 0 &&
      this.#pushedBytes < this.#limits.messageBytes &&
      this.#readCount < this.#limits.readCount
    );
  }

  #read(subscription: Subscription): void {
    const { offset, generation, leaderEpoch, replica } = subscription;
    const roomBytes = this.#limits.messageBytes - this.#pushedBytes;
    const maxBytes = Math.min(this.#limits.partitionBytes, roomBytes, this.#creditBytes);
    const epoch = leaderEpoch === undefined ? {} : { leaderEpoch };
    try {
      const answer = replica.read({ offset, maxBytes, ...epoch });
      if (!(answer instanceof Promise)) {
        this.#take(subscription, generation, answer);
        return;
      }
      subscription.isReading = true;
      this.#readCount++;
      answer.then(
        (result) => this.#endRead(subscription, () => this.#take(subscription, generation, result)),
        (error: unknown) => this.#endRead(subscription, () => this.#fail(subscription, error)),
      );
    } catch (error) {
      this.#fail(subscription, error);
    }
  }

  #endRead(subscription: Subscription, finish: () => void): void {
    this.#readCount--;
    subscription.isReading = false;
    if (this.#isClosed) return;
    finish();
    if (subscription.hasNews) {
      subscription.hasNews = false;
      this.#enqueue(subscription);
    }
    this.#pumpSoon();
  }

  #take(subscription: Subscription, generation: number, result: FetchResult): void {
    if (!this.#isLive(subscription)) return;
    if (subscription.generation !== generation) {
      this.#enqueue(subscription);
      return;
    }
    const { batches, bytes, nextOffset, highWatermark, logStartOffset, leaderEpoch } = result;
    subscription.offset = nextOffset;
    if (batches.length > 0 && nextOffset < highWatermark) this.#enqueue(subscription);
    if (batches.length === 0 && subscription.isAnnounced) return;
    subscription.isAnnounced = true;
    this.#creditBytes -= bytes;
    this.#pushedBytes += bytes;
    this.#metrics.fetched(batches.length, bytes);
    this.#pushes.push({
      id: subscription.id,
      generation,
      batches,
      nextOffset,
      highWatermark,
      logStartOffset,
      leaderEpoch,
    });
  }

  #fail(subscription: Subscription, error: unknown): void {
    if (!this.#isLive(subscription)) return;
    this.#remove(subscription.id);
    this.#pushError(subscription, error);
  }

  #pushError(at: { readonly id: number; readonly generation: number }, error: unknown): void {
    this.#metrics.fetchFailed(CodedError.from(error).code);
    this.#pushes.push({ id: at.id, generation: at.generation, error });
    this.#pumpSoon();
  }
}
