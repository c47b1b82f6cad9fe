import type { Clock, Timer, Timers } from "@stratalog/base";

/** Something that runs out at a moment of the monotonic clock. */
export interface Deadline {
  readonly dueMs: number;
  readonly onDue: () => void;
}

/** Deadlines that fall due within this many milliseconds of each other share a wake-up. */
const RESOLUTION_MS = 5;

/**
 * Many deadlines behind one timer: a request that is answered in time costs a set insertion and a
 * removal.
 * Invariant: while any deadline is held, a timer runs that fires at or before the earliest one
 * (within the resolution).
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #held = new Set<Deadline>();
  #timer: Timer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
  }

  get count(): number {
    return this.#held.size;
  }

  /** Calls `onDue` once, `delayMs` from now, unless it is removed before. */
  add(delayMs: number, onDue: () => void): Deadline {
    const deadline: Deadline = { dueMs: this.#clock.monotonicMs() + delayMs, onDue };
    this.#held.add(deadline);
    if (deadline.dueMs < this.#timerDueMs) this.#arm(deadline.dueMs);
    return deadline;
  }

  remove(deadline: Deadline): void {
    this.#held.delete(deadline);
  }

  /** Forgets all of them without a call. */
  close(): void {
    this.#held.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    const delayMs = Math.max(RESOLUTION_MS, dueMs - this.#clock.monotonicMs());
    this.#timer = this.#timers.after(delayMs, () => this.#expire());
  }

  #expire(): void {
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#clock.monotonicMs();
    const due: Deadline[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    for (const deadline of this.#held) {
      if (deadline.dueMs <= nowMs) due.push(deadline);
      else nextMs = Math.min(nextMs, deadline.dueMs);
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#arm(nextMs);
    for (const deadline of due) {
      // A call of this round may have removed it.
      if (this.#held.delete(deadline)) deadline.onDue();
    }
  }
}
