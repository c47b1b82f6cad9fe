import { type Clock, deferred, type Deferred } from "@stratalog/base";
import type { Position } from "../../core/positions.ts";
import { partitionKey } from "../../core/topic-partition.ts";
import type { PartitionReader } from "./partition-reader.ts";

/** A batch as the hand reads it. */
export interface ReadableBatch<Read> {
  /** First offset wanted from it. */
  readonly from: number;
  readonly reader: { next(): Read | undefined };
  /** Whether nobody has moved its partition since. */
  isCurrent(): boolean;
}

/** What the loop is busy with: one record, or one batch, until it asks for the next. */
export class Hand implements PartitionReader {
  readonly #clock: Clock;
  #position: Position | undefined;
  #end = 0;
  #isResting = false;
  /** Whether nobody reads: the loop was left, or the run is over. */
  #isLeft = false;
  #passCount = 0;
  #seenCount = -1;
  #seenMs = 0;
  #freed: Deferred<void> | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Position of the partition that the loop is busy with, also of one it has lost meanwhile. */
  get position(): Position | undefined {
    return this.#position;
  }

  /** Whether the loop was left with something in hand. */
  get isResting(): boolean {
    return this.#isResting;
  }

  /** The loop gets something that ends before `end`. */
  hold(position: Position, end: number): void {
    if (this.#position !== undefined) {
      throw new TypeError("two loops read one consumer: read by one, or make two consumers");
    }
    this.#position = position;
    this.#end = end;
  }

  /**
   * Reads the batch in hand. A seek or a revocation ends it early; the loop has not seen the rest
   * of it then, and passes only what it has read.
   */
  readerOf<Read extends { readonly position: number }>(
    batch: ReadableBatch<Read>,
  ): () => Read | undefined {
    const position = this.#position;
    let readTo = batch.from;
    return () => {
      if (batch.isCurrent()) {
        const record = batch.reader.next();
        if (record !== undefined) readTo = record.position + 1;
        return record;
      }
      if (this.#position === position) this.#end = Math.min(this.#end, readTo);
      return undefined;
    };
  }

  /** The loop asks for more: what it had is done. */
  pass(): void {
    this.#passCount++;
    this.#isLeft = false;
    this.finish();
  }

  /** What the loop had is done, whether or not it asks for more. */
  finish(): void {
    const position = this.#position;
    if (position === undefined) return;
    position.passed = this.#end;
    this.release();
  }

  /** The loop was left: what it had is not done, but nobody is at it, so nobody waits for it. */
  rest(): void {
    this.#isLeft = true;
    this.#isResting = this.#position !== undefined;
    this.#wakeWaiters();
  }

  /** What is in hand does not count as done, because the loop was sent elsewhere. */
  drop(key: string): void {
    if (this.#position !== undefined && partitionKey(this.#position) === key) this.release();
  }

  /** Resolves when nothing of these partitions is in hand: the loop gets no more of them anyway. */
  async leave(keys: ReadonlySet<string>): Promise<void> {
    while (this.#isBusyWith(keys)) {
      this.#freed ??= deferred<void>();
      await this.#freed.promise;
    }
  }

  // The loop is not told: it keeps what it has in hand until it asks for more, and passing a record
  // of a lost partition changes nothing. The fetcher gives no more of a paused one.
  lose(): void {}
  pause(): void {}
  resume(): void {}

  /** The loop that asks for more is busy with nothing. */
  idle(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * Milliseconds for which the loop has been busy with one thing, or for which nobody has read, to
   * within two calls of this.
   */
  heldMs(): number {
    const nowMs = this.#clock.monotonicMs();
    const isAsking = this.#position === undefined && !this.#isLeft;
    if (isAsking || this.#passCount !== this.#seenCount) {
      // Counting passes is all that a record costs; the clock is read here, now and then.
      this.#seenCount = this.#passCount;
      this.#seenMs = nowMs;
    }
    return nowMs - this.#seenMs;
  }

  #isBusyWith(keys: ReadonlySet<string>): boolean {
    const position = this.#position;
    return position !== undefined && !this.#isResting && keys.has(partitionKey(position));
  }

  /** Nothing is in hand any more; what was does not count as done by this. */
  release(): void {
    this.#position = undefined;
    this.#isResting = false;
    this.#wakeWaiters();
  }

  #wakeWaiters(): void {
    this.#freed?.resolve();
    this.#freed = undefined;
  }
}
