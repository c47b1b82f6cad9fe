import { assert } from "@stratalog/base";

/**
 * Bytes that many holders share. Taking is never refused, because the bytes are in memory already
 * when their size is known: whoever brings more must look at `isExhausted` first and wait for
 * `onRoom`. The overshoot is one message per source. Invariant: 0 ≤ usedBytes.
 */
export class ByteBudget {
  readonly limitBytes: number;
  #usedBytes = 0;
  readonly #waiters = new Set<() => void>();

  constructor(limitBytes: number) {
    assert(limitBytes > 0, `budget of ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get isExhausted(): boolean {
    return this.#usedBytes >= this.limitBytes;
  }

  take(bytes: number): void {
    this.#usedBytes += bytes;
  }

  /**
   * Gives bytes back; whoever waits is called when there is room again, first come first served.
   */
  release(bytes: number): void {
    this.#usedBytes -= bytes;
    assert(this.#usedBytes >= 0, "more bytes released than taken");
    for (const waiter of this.#waiters) {
      if (this.isExhausted) return;
      this.#waiters.delete(waiter);
      waiter();
    }
  }

  /** Calls back once, when there is room; never in this call. Returns how to stop. */
  onRoom(callback: () => void): () => void {
    this.#waiters.add(callback);
    return () => {
      this.#waiters.delete(callback);
    };
  }
}
