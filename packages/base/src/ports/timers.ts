/** A scheduled call that has not run yet. */
export interface Timer {
  /** Forgets the call; harmless after it ran. */
  cancel(): void;
}

/** Runs calls later. The only door to the event loop's timers. */
export interface Timers {
  /** Runs `task` once, `delayMs` (≥ 0) from now or later, on a turn of its own. */
  after(delayMs: number, task: () => void): Timer;
  /**
   * Runs `task` once at the end of this turn of the event loop, after pending I/O was read: where
   * work of a turn is batched.
   */
  endOfTurn(task: () => void): void;
}

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(timers: Timers, delayMs: number, signal?: SleepSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = timers.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** The part of `AbortSignal` that {@link sleep} needs. */
export interface SleepSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
