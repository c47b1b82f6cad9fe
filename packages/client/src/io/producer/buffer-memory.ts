import { CodedError, deferred, type Deferred } from "@stratalog/base";
import type { Scope } from "../scope.ts";

/** Sends that wait for memory at once; more are refused, so that waiting itself stays bounded. */
const WAITERS_MAX = 100_000;

/**
 * The memory of a producer: bytes of records that are not stored yet. Invariant: used is above the
 * limit by at most the record that crossed it.
 */
export class BufferMemory {
  readonly #limitBytes: number;
  readonly #maxBlockMs: number;
  readonly #scope: Scope;
  #usedBytes = 0;
  #waiting: Deferred<void>[] = [];

  constructor(options: {
    readonly limitBytes: number;
    readonly maxBlockMs: number;
    readonly scope: Scope;
  }) {
    this.#limitBytes = options.limitBytes;
    this.#maxBlockMs = options.maxBlockMs;
    this.#scope = options.scope;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  get hasRoom(): boolean {
    return this.#usedBytes < this.#limitBytes;
  }

  take(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }

  giveBack(sizeBytes: number): void {
    this.#usedBytes -= sizeBytes;
    if (!this.hasRoom || this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) each.resolve();
  }

  /** Resolves when there may be room; rejects with BUFFER_FULL after `maxBlockMs`. */
  async waitForRoom(signal?: AbortSignal): Promise<void> {
    if (this.#waiting.length >= WAITERS_MAX) throw this.#full("too many sends wait for it");
    const room = deferred<void>();
    this.#waiting.push(room);
    const limit = new AbortController();
    const patience = this.#scope.sleep(this.#maxBlockMs, limit.signal).then(
      () => room.reject(this.#full(`it stayed so for ${this.#maxBlockMs} ms`)),
      () => {
        // Room came first, or the producer closed: the race below says which.
      },
    );
    try {
      await this.#scope.race(room.promise, signal);
    } finally {
      limit.abort();
      await patience;
      this.#waiting = this.#waiting.filter((each) => each !== room);
    }
  }

  #full(why: string): CodedError {
    return new CodedError(
      "BUFFER_FULL",
      `${this.#usedBytes} bytes of records wait to be stored and ${why}: send slower, or raise ` +
        "maxBufferBytes",
    );
  }
}
