import { assert } from "../assert.ts";

/**
 * Append messages on their way to one follower, oldest first: the index of each one's last entry
 * and its bytes. Bounded by count and, softly, by bytes: the message that reaches the byte limit
 * still goes.
 *
 * A ring that grows by doubling from nothing, since most followers of most groups are idle.
 */
export class Inflights {
  readonly #maxCount: number;
  readonly #maxBytes: number;
  #indexes: number[] = [];
  #sizes: number[] = [];
  #start = 0;
  #count = 0;
  #bytes = 0;

  constructor(maxCount: number, maxBytes: number) {
    this.#maxCount = maxCount;
    this.#maxBytes = maxBytes;
  }

  get count(): number {
    return this.#count;
  }

  get isFull(): boolean {
    return this.#count >= this.#maxCount || this.#bytes >= this.#maxBytes;
  }

  /** Adds a message whose last entry is at `lastIndex`. Indexes ascend. Must not be full. */
  add(lastIndex: number, bytes: number): void {
    assert(!this.isFull, "append sent into a full window");
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = lastIndex;
    this.#sizes[slot] = bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** Everything through `index` arrived. */
  freeThrough(index: number): void {
    while (this.#count > 0 && (this.#indexes[this.#start] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#start] ?? 0;
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count--;
    }
  }

  /** Nothing is on its way; memory is given back. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
    if (this.#indexes.length > 0) {
      this.#indexes = [];
      this.#sizes = [];
    }
  }

  /** Unrolls the ring into one of twice the size. */
  #grow(): void {
    const size = Math.min(this.#maxCount, Math.max(1, this.#count * 2));
    const indexes: number[] = [];
    const sizes: number[] = [];
    for (let i = 0; i < size; i++) {
      const slot = (this.#start + i) % Math.max(1, this.#indexes.length);
      indexes.push(i < this.#count ? (this.#indexes[slot] ?? 0) : 0);
      sizes.push(i < this.#count ? (this.#sizes[slot] ?? 0) : 0);
    }
    this.#indexes = indexes;
    this.#sizes = sizes;
    this.#start = 0;
  }
}
