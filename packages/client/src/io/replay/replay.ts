import { CodedError } from "@stratalog/base";
import type { BatchReader } from "../../core/batch-reader.ts";
import { ConsumedBatch } from "../../core/consumed-batch.ts";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import { KeyFilter } from "../../core/key-filter.ts";
import type { ReplayPartition } from "../../core/replay-plan.ts";
import type { Cluster } from "../cluster.ts";
import { BatchQueue, type OpenedFeedBatch } from "../fetch/batch-queue.ts";
import type { Feed } from "../fetch/feed.ts";
import { Scope } from "../scope.ts";
import { ProgressMeter, type ReplayProgress } from "./replay-progress.ts";
import type { ReplayOptions } from "./replay-options.ts";
import { rangesOf, resolveBounds } from "./replay-ranges.ts";

const BUFFER_BYTES = 8 * 1024 * 1024;

/**
 * Reads what a topic has, and ends. Where it ends is fixed per partition when the first record is
 * asked for; order holds within a partition. Iterate once: `for await (const record of replay)`, or
 * `replay.batches()` for the fastest way.
 */
export class Replay<Key = Uint8Array, Value = Uint8Array>
  implements AsyncIterable<ConsumedRecord<Key, Value>>
{
  readonly #cluster: Cluster;
  readonly #options: ReplayOptions<Key, Value>;
  readonly #scope: Scope;
  readonly #ends = new Map<Feed, number>();
  readonly #filter: KeyFilter | undefined;
  readonly #meter: ProgressMeter;
  readonly #fixed: readonly ReplayPartition[] | undefined;
  #topicId: string | undefined;
  #queue: BatchQueue<Key, Value> | undefined;

  /** @internal `fixed`: where it begins and ends, when somebody has found that out already. */
  constructor(
    cluster: Cluster,
    options: ReplayOptions<Key, Value>,
    fixed?: readonly ReplayPartition[],
  ) {
    this.#fixed = fixed;
    this.#cluster = cluster;
    this.#options = options;
    this.#scope = new Scope("replay", cluster.environment.timers, cluster.scope);
    this.#filter = options.keys === undefined ? undefined : new KeyFilter(options.keys);
    this.#meter = new ProgressMeter({
      clock: cluster.environment.clock,
      intervalMs: options.progressIntervalMs,
      tell: options.onProgress,
    });
  }

  /** How far the reader is; nothing is known before the first record was asked for. */
  get progress(): ReplayProgress {
    return this.#meter.progress();
  }

  /**
   * The batches, with what is outside the range left out. With `keys` a batch's `count` is that of
   * its range; iterating it gives the records that match.
   */
  async *batches(): AsyncGenerator<ConsumedBatch<Key, Value>, void, void> {
    try {
      for (let batch = await this.#next(); batch !== undefined; batch = await this.#next()) {
        const { feed, reader, from, end } = batch;
        const { topic, partition, highWatermark } = feed;
        const next = (): ConsumedRecord<Key, Value> | undefined => this.#nextOf(reader);
        yield new ConsumedBatch({ topic, partition, from, end, highWatermark, next });
        this.#pass(batch);
      }
    } finally {
      this.#scope.close();
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<Key, Value>> {
    let current: OpenedFeedBatch<Key, Value> | undefined;
    let isDone = false;
    const finish = (): IteratorResult<ConsumedRecord<Key, Value>> => {
      isDone = true;
      this.#scope.close();
      return { done: true, value: undefined };
    };
    const nextBatch = async (): Promise<IteratorResult<ConsumedRecord<Key, Value>>> => {
      for (;;) {
        if (current !== undefined) this.#pass(current);
        current = await this.#next();
        if (current === undefined) return finish();
        const value = this.#nextOf(current.reader);
        if (value !== undefined) return { done: false, value };
      }
    };
    return {
      next: () => {
        if (isDone) return Promise.resolve({ done: true, value: undefined });
        try {
          const value = current === undefined ? undefined : this.#nextOf(current.reader);
          if (value !== undefined) return Promise.resolve({ done: false, value });
        } catch (error) {
          finish();
          return Promise.reject(CodedError.from(error));
        }
        return nextBatch().catch((error: unknown) => {
          finish();
          throw error;
        });
      },
      return: () => Promise.resolve(finish()),
    };
  }

  async #next(): Promise<OpenedFeedBatch<Key, Value> | undefined> {
    const { signal } = this.#options;
    this.#scope.check(signal);
    this.#checkIdentity();
    const queue = this.#queue ?? (await this.#start());
    for (;;) {
      const changed = queue.changed();
      // Asked first: what comes during the look would count as fetched and not be seen.
      const isAllHere = [...this.#ends].every(([feed, end]) => feed.position >= end);
      const batch = await queue.take();
      if (batch !== undefined) return batch;
      if (isAllHere) {
        this.#meter.finish();
        return undefined;
      }
      await this.#waitFor(changed);
    }
  }

  /**
   * Waits for data; a replay reads what is there, so that long silence means that nobody serves.
   */
  async #waitFor(changed: Promise<void>): Promise<void> {
    const { requestTimeoutMs } = this.#cluster.options;
    const patience = new AbortController();
    const isSilent = this.#scope.sleep(requestTimeoutMs, patience.signal).then(() => true);
    try {
      const outcome = Promise.race([changed.then(() => false), isSilent]);
      if (!(await this.#scope.race(outcome, this.#options.signal))) return;
    } finally {
      isSilent.catch(() => {
        // Data came, or the replay ended: the wait for silence is over either way.
      });
      patience.abort();
    }
    const { topic } = this.#options;
    throw new CodedError(
      "REQUEST_TIMED_OUT",
      `the replay of ${topic} got nothing for ${requestTimeoutMs} ms: are its brokers running?`,
      { details: { topic } },
    );
  }

  async #start(): Promise<BatchQueue<Key, Value>> {
    const { options: cluster } = { options: this.#cluster };
    const { key, value, bufferBytes, signal } = this.#options;
    const queue = new BatchQueue<Key, Value>({
      cluster,
      scope: this.#scope,
      bufferBytes: bufferBytes ?? BUFFER_BYTES,
      serdes: { key, value },
      endOf: (feed) => this.#ends.get(feed) ?? 0,
      onData: () => this.#finishFeeds(),
      // Retention passed the reader: the records are gone, and a replay must not hide that.
      onOutOfRange: (_feed, error) => queue.fail(error),
    });
    const bounds = this.#fixed ?? (await resolveBounds(this.#cluster, this.#options, signal));
    const ranges = rangesOf(bounds);
    this.#topicId = this.#cluster.cache.topic(this.#options.topic)?.topicId;
    this.#meter.begin(ranges);
    for (const { topic, partition, start, end } of ranges) {
      this.#ends.set(queue.fetcher.add(topic, partition, start), end);
    }
    this.#queue = queue;
    return queue;
  }

  #nextOf(reader: BatchReader<Key, Value>): ConsumedRecord<Key, Value> | undefined {
    if (this.#filter === undefined) return reader.next();
    for (let record = reader.next(); record !== undefined; record = reader.next()) {
      if (this.#filter.accepts(record)) return record;
    }
    return undefined;
  }

  #pass(batch: OpenedFeedBatch<Key, Value>): void {
    batch.release();
    this.#meter.pass(batch.feed.partition, batch.end);
  }

  /** Another topic under the same name has other records: they are not to be mixed in. */
  #checkIdentity(): void {
    if (this.#topicId === undefined) return;
    const { topic } = this.#options;
    const known = this.#cluster.cache.topic(topic)?.topicId;
    if (known === undefined || known === this.#topicId) return;
    throw new CodedError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic ${topic} was deleted and created anew while it was replayed`,
      { details: { topic } },
    );
  }

  #finishFeeds(): void {
    for (const [feed, end] of this.#ends) {
      if (feed.position >= end && feed.state !== "removed") this.#queue?.fetcher.finish(feed);
    }
  }
}
