import { CodedError, type Timer } from "@stratalog/base";
import { type ConsumePush, fromWireError } from "@stratalog/protocol";
import { endOffsetOf } from "@stratalog/record-batch";
import { backoffMs, LEADER_BACKOFF } from "../../core/backoff.ts";
import type { Cluster } from "../cluster.ts";
import type { Scope } from "../scope.ts";
import { ConsumeStream } from "./consume-stream.ts";
import { type Feed, type FetchedBatch, isCurrent } from "./feed.ts";

/** Hears what the fetcher cannot deal with itself. */
export interface FetcherListener {
  /** Batches are there, or something changed that a reader waits for. */
  onData(): void;
  /** The position is outside the partition. The feed is idle until `seek`. */
  onOutOfRange(feed: Feed, error: CodedError): void;
  /** The feed can go no further. */
  onFailed(feed: Feed, error: CodedError): void;
}

/** How a fetcher reads. */
export interface FetcherOptions {
  readonly cluster: Cluster;
  readonly scope: Scope;
  /** Bytes held per broker, read or on their way. */
  readonly bufferBytes: number;
  readonly listener: FetcherListener;
}

/**
 * A broker that is silent for this long is asked about: it may be paused, and another one leads.
 */
const SILENT_MS = 2_000;

/** Reads partitions from their leaders, wherever those go, into one queue of batches. */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #cluster: Cluster;
  readonly #scope: Scope;
  readonly #feeds = new Set<Feed>();
  readonly #bySubscription = new Map<number, Feed>();
  readonly #streams = new Map<number, ConsumeStream>();
  #queue: FetchedBatch[] = [];
  #head = 0;
  #subscription = 0;
  #isScheduled = false;
  #watchTimer: Timer | undefined;

  constructor(options: FetcherOptions) {
    this.#options = options;
    this.#cluster = options.cluster;
    this.#scope = options.scope;
    const stopListening = this.#cluster.cache.onNewLeader((topic, partition) => {
      for (const feed of this.#feeds) {
        if (feed.state !== "unrouted" || feed.topic !== topic) continue;
        if (feed.partition !== partition) continue;
        feed.wakeAtMs = 0;
        this.#schedule();
      }
    });
    options.scope.onClose(() => {
      stopListening();
      this.#stop();
    });
  }

  /** Begins to read a partition at an offset. */
  add(topic: string, partition: number, offset: number): Feed {
    const feed: Feed = {
      topic,
      partition,
      position: offset,
      highWatermark: -1,
      logStartOffset: 0,
      leaderEpoch: 0,
      generation: 0,
      state: "unrouted",
      subscription: 0,
      brokerId: 0,
      stream: undefined,
      attempts: 0,
      wakeAtMs: 0,
      heardMs: 0,
    };
    this.#feeds.add(feed);
    this.#schedule();
    this.#watchTimer ??= this.#cluster.environment.timers.after(SILENT_MS, () => this.#watch());
    return feed;
  }

  remove(feed: Feed): void {
    this.#detach(feed);
    feed.state = "removed";
    this.#feeds.delete(feed);
  }

  /** Asks for no more of a partition; what was fetched is still to be read. */
  finish(feed: Feed): void {
    if (feed.state === "subscribed") {
      this.#bySubscription.delete(feed.subscription);
      feed.stream?.unsubscribe(feed.subscription);
    }
    feed.state = "removed";
    feed.stream = undefined;
    this.#feeds.delete(feed);
  }

  /** Reads on at another offset. What was fetched and not read is void. */
  seek(feed: Feed, offset: number): void {
    const isPaused = feed.state === "paused";
    this.#detach(feed);
    feed.position = offset;
    feed.attempts = 0;
    feed.wakeAtMs = 0;
    if (isPaused) feed.state = "paused";
    else this.#schedule();
  }

  /** Stops reading until `resume`; what was fetched and not read, from `offset` on, comes again. */
  pause(feed: Feed, offset: number): void {
    this.#detach(feed);
    feed.position = offset;
    feed.state = "paused";
  }

  resume(feed: Feed): void {
    if (feed.state !== "paused") return;
    feed.state = "unrouted";
    this.#schedule();
  }

  /** The next batch that is still wanted; undefined when none is here. */
  take(): FetchedBatch | undefined {
    for (;;) {
      const batch = this.#queue[this.#head];
      if (batch === undefined) return undefined;
      this.#head++;
      if (this.#head * 2 >= this.#queue.length) {
        this.#queue = this.#queue.slice(this.#head);
        this.#head = 0;
      }
      if (isCurrent(batch)) return batch;
      this.release(batch);
    }
  }

  /** A batch was read or dropped: its bytes may be sent again as others. */
  release(batch: FetchedBatch): void {
    if (batch.creditBytes > 0) batch.stream.release(batch.creditBytes);
  }

  #detach(feed: Feed): void {
    feed.generation++;
    if (feed.state === "subscribed") {
      this.#bySubscription.delete(feed.subscription);
      feed.stream?.unsubscribe(feed.subscription);
    }
    feed.state = "unrouted";
    feed.stream = undefined;
    this.#dropStale();
  }

  /** Gives back at once what void batches hold, or a paused partition could starve the others. */
  #dropStale(): void {
    const waiting = this.#queue.slice(this.#head);
    this.#head = 0;
    this.#queue = waiting.filter((batch) => isCurrent(batch));
    for (const batch of waiting) if (!isCurrent(batch)) this.release(batch);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#scope.isClosed) return;
    this.#isScheduled = true;
    this.#cluster.environment.timers.endOfTurn(() => this.#route());
  }

  /** Subscribes every unrouted feed at its leader, one message per broker. */
  #route(): void {
    this.#isScheduled = false;
    if (this.#scope.isClosed) return;
    const nowMs = this.#nowMs();
    const groups = new Map<ConsumeStream, Feed[]>();
    const lost = new Set<string>();
    for (const feed of this.#feeds) {
      if (feed.state !== "unrouted" || feed.wakeAtMs > nowMs) continue;
      const leader = this.#cluster.cache.leader(feed.topic, feed.partition);
      const stream = leader === undefined ? undefined : this.#stream(leader.brokerId);
      if (leader === undefined || stream === undefined) {
        lost.add(feed.topic);
        continue;
      }
      feed.state = "subscribed";
      feed.heardMs = nowMs;
      feed.brokerId = leader.brokerId;
      feed.stream = stream;
      feed.subscription = ++this.#subscription;
      this.#bySubscription.set(feed.subscription, feed);
      groups.set(stream, [...(groups.get(stream) ?? []), feed]);
    }
    for (const [stream, feeds] of groups) {
      stream.subscribe(
        feeds.map((feed) => ({
          subscription: feed.subscription,
          topic: feed.topic,
          partition: feed.partition,
          offset: feed.position,
          topicId: this.#cluster.cache.topic(feed.topic)?.topicId,
        })),
      );
    }
    if (lost.size > 0) this.#findLeaders([...lost]);
  }

  #findLeaders(topics: readonly string[]): void {
    const again = (): void => this.#wakeAfter(LEADER_BACKOFF.maxMs / 5);
    this.#cluster.refresh(topics).then(
      () => {
        for (const feed of this.#feeds) {
          const error = this.#cluster.cache.topicError(feed.topic);
          if (feed.state === "unrouted" && error !== undefined && !error.retriable) {
            this.#fail(feed, error);
          }
        }
        again();
      },
      () => {
        // No broker answers right now; the reader's own limits decide how long that is borne.
        again();
      },
    );
  }

  #wakeAfter(delayMs: number): void {
    if (this.#scope.isClosed) return;
    this.#cluster.environment.timers.after(delayMs, () => this.#schedule());
  }

  #stream(brokerId: number): ConsumeStream | undefined {
    const known = this.#streams.get(brokerId);
    if (known !== undefined) return known;
    const connection = this.#cluster.broker(brokerId);
    if (connection === undefined) return undefined;
    const options = {
      clientId: this.#cluster.options.clientId,
      bufferBytes: this.#options.bufferBytes,
    };
    const stream: ConsumeStream = new ConsumeStream(connection, options, {
      onPush: (push) => this.#onPush(stream, push),
      onEnd: (error) => this.#onStreamEnd(brokerId, stream, error),
    });
    this.#streams.set(brokerId, stream);
    return stream;
  }

  #onPush(stream: ConsumeStream, push: ConsumePush): void {
    const feed = this.#bySubscription.get(push.subscription);
    if (feed === undefined) {
      // It was moved or removed meanwhile: the bytes only give their credit back.
      for (const bytes of push.batches) stream.release(bytes.length);
      return;
    }
    if (push.error !== null) {
      this.#bySubscription.delete(push.subscription);
      this.#onFailed(feed, fromWireError(push.error));
      return;
    }
    feed.attempts = 0;
    feed.heardMs = this.#nowMs();
    feed.highWatermark = push.highWatermark;
    feed.logStartOffset = push.logStartOffset;
    feed.leaderEpoch = push.leaderEpoch;
    for (const bytes of push.batches) {
      const { generation } = feed;
      const from = feed.position;
      this.#queue.push({ feed, generation, bytes, from, stream, creditBytes: bytes.length });
      if (bytes.length > 0) feed.position = Math.max(from, endOffsetOf(bytes, 0));
    }
    feed.position = Math.max(feed.position, push.nextOffset);
    this.#options.listener.onData();
  }

  #onFailed(feed: Feed, error: CodedError): void {
    feed.state = "unrouted";
    feed.stream = undefined;
    if (error.code === "OFFSET_OUT_OF_RANGE") {
      feed.state = "stopped";
      this.#options.listener.onOutOfRange(feed, error);
      return;
    }
    if (!error.retriable) {
      this.#fail(feed, error);
      return;
    }
    this.#retry(feed, error);
  }

  #retry(feed: Feed, error: CodedError): void {
    const { cache, environment } = this.#cluster;
    const hasNews = cache.applyHint(feed.topic, feed.partition, error.details);
    if (!hasNews) {
      cache.forgetLeader(feed.topic, feed.partition, feed.brokerId);
      this.#cluster.refresh([feed.topic]).catch(() => {
        // The next attempt finds no leader and asks again.
      });
    }
    feed.attempts++;
    const isFirstHint = hasNews && feed.attempts === 1;
    const waitMs = isFirstHint ? 0 : backoffMs(LEADER_BACKOFF, feed.attempts, environment.random);
    feed.wakeAtMs = this.#nowMs() + waitMs;
    this.#wakeAfter(waitMs);
  }

  #fail(feed: Feed, error: CodedError): void {
    this.remove(feed);
    this.#options.listener.onFailed(feed, error);
  }

  #onStreamEnd(brokerId: number, stream: ConsumeStream, error: CodedError): void {
    if (this.#streams.get(brokerId) === stream) this.#streams.delete(brokerId);
    if (this.#scope.isClosed) return;
    this.#cluster.suspect(brokerId);
    for (const [subscription, feed] of this.#bySubscription) {
      if (feed.stream !== stream) continue;
      this.#bySubscription.delete(subscription);
      feed.state = "unrouted";
      feed.stream = undefined;
      this.#retry(feed, error.retriable ? error : interrupted(error));
    }
  }

  /** Looks for partitions whose leader is silent and is not the leader any more. */
  #watch(): void {
    this.#watchTimer = undefined;
    if (this.#scope.isClosed || this.#feeds.size === 0) return;
    this.#watchTimer = this.#cluster.environment.timers.after(SILENT_MS, () => this.#watch());
    const nowMs = this.#nowMs();
    const silent = [...this.#bySubscription.values()].filter(
      ({ heardMs }) => nowMs - heardMs >= SILENT_MS,
    );
    if (silent.length === 0) return;
    this.#cluster.refresh([...new Set(silent.map(({ topic }) => topic))]).then(
      () => this.#moveFrom(silent),
      () => {
        // Nobody can say who leads; the next look asks again.
      },
    );
  }

  #moveFrom(feeds: readonly Feed[]): void {
    for (const feed of feeds) {
      if (feed.state !== "subscribed") continue;
      const leader = this.#cluster.cache.leader(feed.topic, feed.partition);
      const hasMoved = leader !== undefined && leader.brokerId !== feed.brokerId;
      if (!hasMoved) continue;
      this.#bySubscription.delete(feed.subscription);
      feed.stream?.unsubscribe(feed.subscription);
      feed.state = "unrouted";
      feed.stream = undefined;
      this.#schedule();
    }
  }

  #nowMs(): number {
    return this.#cluster.environment.clock.monotonicMs();
  }

  #stop(): void {
    this.#watchTimer?.cancel();
    for (const stream of this.#streams.values()) stream.cancel();
    this.#streams.clear();
    this.#bySubscription.clear();
    this.#queue = [];
    this.#head = 0;
  }
}

function interrupted(error: CodedError): CodedError {
  return new CodedError("BROKER_NOT_AVAILABLE", error.message, { cause: error });
}
