import { assert } from "./assert.ts";

/**
 * A first-in, first-out queue that refuses at its limit instead of growing. Invariant: 0 ≤ length
 * ≤ limit.
 */
export class BoundedQueue<T> {
  readonly limit: number;
  #items: T[] = [];
  #head = 0;

  constructor(limit: number) {
    assert(limit > 0, `queue limit ${limit}`);
    this.limit = limit;
  }

  get length(): number {
    return this.#items.length - this.#head;
  }

  /** Adds an item, or says false when the queue is full. */
  push(item: T): boolean {
    if (this.length >= this.limit) return false;
    this.#items.push(item);
    return true;
  }

  peek(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#head++;
    // The consumed front is cut off once it is half of the array: amortised constant time, no
    // unbounded slack.
    if (this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
