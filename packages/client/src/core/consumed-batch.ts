import type { ConsumedRecord } from "./consumed-record.ts";
import { toPublicOffset } from "./public-offset.ts";

/** What a batch of records is made of. */
export interface ConsumedBatchSource<Key, Value> {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly end: number;
  readonly highWatermark: number;
  /** The next record; undefined at the end, or when the partition was taken away. */
  next(): ConsumedRecord<Key, Value> | undefined;
}

/**
 * The records of one partition that came in one batch. Iterate it once, without awaiting: this is
 * the fast way to read.
 */
export class ConsumedBatch<Key = Uint8Array, Value = Uint8Array>
  implements Iterable<ConsumedRecord<Key, Value>>
{
  readonly #source: ConsumedBatchSource<Key, Value>;

  constructor(source: ConsumedBatchSource<Key, Value>) {
    this.#source = source;
  }

  /** Name of its topic. */
  get topic(): string {
    return this.#source.topic;
  }

  /** Number of its partition. */
  get partition(): number {
    return this.#source.partition;
  }

  /** Offset of the first record. */
  get firstOffset(): bigint {
    return toPublicOffset(this.#source.from);
  }

  /** Offset after the last record: what to commit when all of it is done. */
  get endOffset(): bigint {
    return toPublicOffset(this.#source.end);
  }

  /** End of the partition when the batch came. */
  get highWatermark(): bigint {
    return toPublicOffset(Math.max(0, this.#source.highWatermark));
  }

  /** Number of records. */
  get count(): number {
    return this.#source.end - this.#source.from;
  }

  [Symbol.iterator](): Iterator<ConsumedRecord<Key, Value>> {
    const source = this.#source;
    return {
      next(): IteratorResult<ConsumedRecord<Key, Value>> {
        const value = source.next();
        return value === undefined ? { done: true, value: undefined } : { done: false, value };
      },
    };
  }
}
