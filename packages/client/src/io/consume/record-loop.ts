import { CodedError } from "@stratalog/base";
import { ConsumedBatch } from "../../core/consumed-batch.ts";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import { deliver } from "../../core/positions.ts";
import type { BatchSource, OwnedBatch } from "./batch-source.ts";
import type { Hand } from "./hand.ts";
import type { PartitionTable } from "./partition-table.ts";

/** What a loop reads from. */
export interface RecordLoopOptions<Key, Value> {
  readonly source: BatchSource<Key, Value>;
  readonly table: PartitionTable;
  readonly hand: Hand;
  readonly signal: AbortSignal | undefined;
  /** Whether the consumer closes: there are no more records. */
  readonly isClosing: () => boolean;
  /** Whether a record was committed before it was handed out: it never comes again. */
  readonly commitsAhead: boolean;
  /** Throws when a run reads the consumer. */
  readonly check: () => void;
}

/**
 * Hands out records, or batches, to one `for await` after the other. A loop that was left, by
 * `break` or by an exception, leaves its last record undone: the next loop begins with it.
 */
export class RecordLoop<Key, Value> {
  readonly #options: RecordLoopOptions<Key, Value>;
  readonly #hand: Hand;
  #current: OwnedBatch<Key, Value> | undefined;

  constructor(options: RecordLoopOptions<Key, Value>) {
    this.#options = options;
    this.#hand = options.hand;
  }

  records(): AsyncIterator<ConsumedRecord<Key, Value>> {
    return {
      next: () => this.#nextRecord(),
      // Leaving the loop leaves the consumer open; the record in hand is not passed.
      return: () => {
        this.#hand.rest();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  async *batches(): AsyncGenerator<ConsumedBatch<Key, Value>, void, void> {
    try {
      for (;;) {
        this.#goOn();
        const taken = await this.#nextBatch();
        if (taken === undefined) return;
        const { batch, position } = taken;
        const { from, end } = batch;
        deliver(position, end - 1);
        this.#hand.hold(position, end);
        const { topic, partition, highWatermark } = batch.feed;
        const next = this.#hand.readerOf(batch);
        yield new ConsumedBatch({ topic, partition, from, end, highWatermark, next });
      }
    } finally {
      this.#hand.rest();
    }
  }

  /** What the loop had is done, unless it was left: then it comes again. */
  #goOn(): void {
    const hand = this.#hand;
    if (!hand.isResting || this.#options.commitsAhead) {
      hand.pass();
      return;
    }
    hand.release();
    hand.pass();
    this.#options.table.rewind("delivered");
  }

  #nextRecord(): Promise<IteratorResult<ConsumedRecord<Key, Value>>> {
    this.#goOn();
    const current = this.#current;
    const isReadable = current?.batch.isCurrent() === true && !this.#options.isClosing();
    if (current !== undefined && isReadable) {
      if (this.#options.source.breather.isDue) return this.#nextRecordAfterBreath(current);
      try {
        const value = this.#read(current);
        if (value !== undefined) return Promise.resolve({ done: false, value });
      } catch (error) {
        return Promise.reject(CodedError.from(error));
      }
    }
    return this.#nextRecordSlow();
  }

  /** The partition may turn out to be lost meanwhile. */
  async #nextRecordAfterBreath(
    current: OwnedBatch<Key, Value>,
  ): Promise<IteratorResult<ConsumedRecord<Key, Value>>> {
    await this.#options.source.breather.take();
    const value = current.batch.isCurrent() ? this.#read(current) : undefined;
    return value === undefined ? await this.#nextRecordSlow() : { done: false, value };
  }

  async #nextRecordSlow(): Promise<IteratorResult<ConsumedRecord<Key, Value>>> {
    for (;;) {
      const taken = await this.#nextBatch();
      if (taken === undefined) return { done: true, value: undefined };
      const value = this.#read(taken);
      if (value !== undefined) return { done: false, value };
    }
  }

  #read(current: OwnedBatch<Key, Value>): ConsumedRecord<Key, Value> | undefined {
    const record = current.batch.reader.next();
    if (record === undefined) return undefined;
    deliver(current.position, record.position);
    this.#hand.hold(current.position, record.position + 1);
    return record;
  }

  async #nextBatch(): Promise<OwnedBatch<Key, Value> | undefined> {
    this.#options.check();
    this.#current?.batch.release();
    this.#current = undefined;
    this.#current = await this.#options.source.next(this.#options.signal);
    return this.#current;
  }
}
