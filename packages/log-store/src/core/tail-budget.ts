import { assert } from "@stratalog/base";

/** A log whose flushed frames may be dropped from memory. */
export interface Evictable {
  /** Drops frames at and below an index that are in a segment; gives the bytes that became free. */
  evictThrough(index: number): number;
}

interface Chunk {
  readonly owner: Evictable;
  readonly throughIndex: number;
}

/**
 * Accounts for the memory of all tail caches. Frames that no segment has are pinned: they count
 * against the budget and cannot be dropped. The others go oldest first once the budget is exceeded.
 *
 * Invariant: 0 ≤ pinned; used ≤ limit after `trim`, unless pinned alone exceeds it: then
 * `isOverloaded`.
 */
export class TailBudget {
  readonly limitBytes: number;
  #usedBytes = 0;
  #pinnedBytes = 0;
  #chunks: Chunk[] = [];
  #head = 0;

  constructor(limitBytes: number) {
    assert(limitBytes > 0, `tail cache of ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get pinnedBytes(): number {
    return this.#pinnedBytes;
  }

  /** Whether producers must wait until segments have taken what is pinned. */
  get isOverloaded(): boolean {
    return this.#pinnedBytes > this.limitBytes;
  }

  /** Frames were appended: held and pinned. */
  added(bytes: number): void {
    this.#usedBytes += bytes;
    this.#pinnedBytes += bytes;
  }

  /** Frames left memory. */
  removed(bytes: number): void {
    this.#usedBytes -= bytes;
    assert(this.#usedBytes >= 0, "tail cache bytes below zero");
  }

  /** Frames were written to a segment, or are not wanted any more. */
  unpinned(bytes: number): void {
    this.#pinnedBytes -= bytes;
    assert(this.#pinnedBytes >= 0, "pinned bytes below zero");
  }

  /** Frames of a log up to an index can be dropped from now on. */
  becameEvictable(owner: Evictable, throughIndex: number): void {
    this.#chunks.push({ owner, throughIndex });
  }

  /** Drops the oldest frames that may go until the budget holds. */
  trim(): void {
    while (this.#usedBytes > this.limitBytes && this.#head < this.#chunks.length) {
      const chunk = this.#chunks[this.#head] as Chunk;
      this.#head++;
      this.removed(chunk.owner.evictThrough(chunk.throughIndex));
    }
    if (this.#head * 2 >= this.#chunks.length && this.#head > 0) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
  }
}
