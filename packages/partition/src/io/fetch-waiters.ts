import { CodedError } from "@stratalog/base";
import type { Deadlines } from "./deadlines.ts";

/** Why a waiting fetch looks again. */
export type WakeReason = "available" | "deadline";

interface Waiter {
  readonly targetBytes: number;
  wake(): void;
}

/** Fetches that wait for records, counted in committed bytes; no timer of their own. */
export class FetchWaiters {
  readonly #deadlines: Deadlines;
  readonly #countMax: number;
  readonly #waiters = new Set<Waiter>();

  constructor(deadlines: Deadlines, countMax: number) {
    this.#deadlines = deadlines;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#waiters.size;
  }

  /**
   * Resolves once so many bytes are committed in all, everything is woken, or time is over;
   * rejects when aborted.
   */
  wait(options: {
    readonly targetBytes: number;
    readonly waitMs: number;
    readonly signal: AbortSignal | undefined;
  }): Promise<WakeReason> {
    const { targetBytes, waitMs, signal } = options;
    if (signal?.aborted === true) return Promise.reject(aborted(signal));
    if (this.#waiters.size >= this.#countMax) {
      const message = `${this.#countMax} fetches wait for this partition already`;
      return Promise.reject(new CodedError("THROTTLED", message));
    }
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        this.#deadlines.remove(deadline);
        signal?.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(aborted(signal));
      };
      const wake = (): void => {
        leave();
        resolve("available");
      };
      const waiter: Waiter = { targetBytes, wake };
      const deadline = this.#deadlines.add(waitMs, () => {
        leave();
        resolve("deadline");
      });
      this.#waiters.add(waiter);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Wakes those who have what they wait for. */
  wakeThrough(committedBytes: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.targetBytes <= committedBytes) waiter.wake();
    }
  }

  /** Wakes all: what they wait for is not going to happen here. */
  wakeAll(): void {
    for (const waiter of this.#waiters) waiter.wake();
  }
}

function aborted(signal: AbortSignal | undefined): CodedError {
  return new CodedError("ABORTED", "the fetch was aborted", { cause: signal?.reason });
}
