import { CodedError } from "@stratalog/base";
import { ConsumedBatch } from "../../core/consumed-batch.ts";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import type { Cluster } from "../cluster.ts";
import { BatchQueue, type OpenedFeedBatch } from "../fetch/batch-queue.ts";
import type { Feed } from "../fetch/feed.ts";
import { Scope } from "../scope.ts";
import type { ReplayOptions } from "./replay-options.ts";
import { resolveRanges } from "./replay-ranges.ts";

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
  #queue: BatchQueue<Key, Value> | undefined;

  constructor(cluster: Cluster, options: ReplayOptions<Key, Value>) {
    this.#cluster = cluster;
    this.#options = options;
    this.#scope = new Scope("replay", cluster.environment.timers, cluster.scope);
  }

  /** The batches, with what is outside the range left out. */
  async *batches(): AsyncGenerator<ConsumedBatch<Key, Value>, void, void> {
    try {
      for (let batch = await this.#next(); batch !== undefined; batch = await this.#next()) {
        const { feed, reader, from, end } = batch;
        const { topic, partition, highWatermark } = feed;
        const next = (): ConsumedRecord<Key, Value> | undefined => reader.next();
        yield new ConsumedBatch({ topic, partition, from, end, highWatermark, next });
        batch.release();
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
        current?.release();
        current = await this.#next();
        if (current === undefined) return finish();
        const value = current.reader.next();
        if (value !== undefined) return { done: false, value };
      }
    };
    return {
      next: () => {
        if (isDone) return Promise.resolve({ done: true, value: undefined });
        try {
          const value = current?.reader.next();
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
    const queue = this.#queue ?? (await this.#start());
    for (;;) {
      const changed = queue.changed();
      // Asked first: what comes during the look would count as fetched and not be seen.
      const isAllHere = [...this.#ends].every(([feed, end]) => feed.position >= end);
      const batch = await queue.take();
      if (batch !== undefined) return batch;
      if (isAllHere) return undefined;
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
    const ranges = await resolveRanges(this.#cluster, this.#options, signal);
    for (const { topic, partition, start, end } of ranges) {
      this.#ends.set(queue.fetcher.add(topic, partition, start), end);
    }
    this.#queue = queue;
    return queue;
  }

  #finishFeeds(): void {
    for (const [feed, end] of this.#ends) {
      if (feed.position >= end && feed.state !== "removed") this.#queue?.fetcher.finish(feed);
    }
  }
}
