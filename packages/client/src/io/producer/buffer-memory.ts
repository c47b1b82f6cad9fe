import { CodedError, deferred, type Deferred, type Timer } from "@stratalog/base";
import type { ClientEnvironment } from "../../ports/environment.ts";
import type { Scope } from "../scope.ts";

/** Sends that wait for memory at once; more are refused, so that waiting itself stays bounded. */
const WAITERS_MAX = 100_000;

interface Waiting {
  readonly room: Deferred<void>;
  readonly dueMs: number;
}

/**
 * The memory of a producer: bytes of records that are not stored yet. Invariant: used is above the
 * limit by at most the record that crossed it.
 */
export class BufferMemory {
  readonly #limitBytes: number;
  readonly #maxBlockMs: number;
  readonly #environment: ClientEnvironment;
  readonly #scope: Scope;
  #usedBytes = 0;
  /** In order of arrival, and so of their due times. */
  #waiting: Waiting[] = [];
  #timer: Timer | undefined;

  constructor(options: {
    readonly limitBytes: number;
    readonly maxBlockMs: number;
    readonly environment: ClientEnvironment;
    readonly scope: Scope;
  }) {
    this.#limitBytes = options.limitBytes;
    this.#maxBlockMs = options.maxBlockMs;
    this.#environment = options.environment;
    this.#scope = options.scope;
    const onClose = (): void => {
      this.#settle((each) => each.room.reject(this.#scope.closedError()));
    };
    this.#scope.onClose(onClose);
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
    if (this.hasRoom && this.#waiting.length > 0) this.#settle((each) => each.room.resolve());
  }

  /** Resolves when there may be room; rejects with BUFFER_FULL after `maxBlockMs`. */
  waitForRoom(signal?: AbortSignal): Promise<void> {
    if (this.#scope.isClosed) return Promise.reject(this.#scope.closedError());
    if (this.#waiting.length >= WAITERS_MAX) {
      return Promise.reject(this.#full("too many sends wait for it"));
    }
    const room = deferred<void>();
    const dueMs = this.#environment.clock.monotonicMs() + this.#maxBlockMs;
    this.#waiting.push({ room, dueMs });
    this.#timer ??= this.#environment.timers.after(this.#maxBlockMs, () => this.#expire());
    return signal === undefined ? room.promise : this.#scope.race(room.promise, signal);
  }

  #settle(end: (waiting: Waiting) => void): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const each of waiting) end(each);
  }

  #expire(): void {
    this.#timer = undefined;
    const nowMs = this.#environment.clock.monotonicMs();
    const overdue = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs);
    this.#waiting = this.#waiting.slice(overdue.length);
    for (const { room } of overdue)
      room.reject(this.#full(`it stayed so for ${this.#maxBlockMs} ms`));
    const next = this.#waiting[0];
    if (next === undefined) return;
    this.#timer = this.#environment.timers.after(next.dueMs - nowMs, () => this.#expire());
  }

  #full(why: string): CodedError {
    return new CodedError(
      "BUFFER_FULL",
      `${this.#usedBytes} bytes of records wait to be stored and ${why}: send slower, or raise ` +
        "maxBufferBytes",
    );
  }
}
