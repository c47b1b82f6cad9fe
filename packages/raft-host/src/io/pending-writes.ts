import { present } from "@stratalog/base";

/**
 * How far one group's log is durable while several writes are under way.
 *
 * Invariant: `durableIndex` never counts an entry that was truncated after its write began: a
 * completion of an overwritten entry says nothing about the entry that took its place.
 */
export class PendingWrites {
  #durableIndex: number;
  readonly #lastIndexes: number[] = [];

  constructor(durableIndex: number) {
    this.#durableIndex = durableIndex;
  }

  get durableIndex(): number {
    return this.#durableIndex;
  }

  /** Writes that are not durable yet. */
  get count(): number {
    return this.#lastIndexes.length;
  }

  /** A write began after which the log ends at `lastIndex`. */
  begin(lastIndex: number): void {
    this.#lastIndexes.push(lastIndex);
  }

  /** Entries at `fromIndex` and above were removed by a write that is about to begin. */
  truncate(fromIndex: number): void {
    this.#durableIndex = Math.min(this.#durableIndex, fromIndex - 1);
    for (const [position, lastIndex] of this.#lastIndexes.entries()) {
      this.#lastIndexes[position] = Math.min(lastIndex, fromIndex - 1);
    }
  }

  /** The oldest write is durable. Answers whether that moved the durable index. */
  complete(): boolean {
    const lastIndex = present(this.#lastIndexes.shift(), "write under way");
    if (lastIndex === this.#durableIndex) return false;
    this.#durableIndex = lastIndex;
    return true;
  }
}
