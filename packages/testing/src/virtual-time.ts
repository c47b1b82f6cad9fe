import {
  type Clock,
  machineTime,
  sleep,
  type Time,
  type Timer,
  type Timers,
} from "@stratalog/base";

/** Longest time that one may be moved by: a century. */
const ADVANCE_MS_MAX = 100 * 366 * 86_400_000;
/** A step is this share of the way that is left, so that the last ones are small. */
const STEP_SHARE = 1 / 8;
const STEP_MS_MIN = 250;
/** Real time for what a step has set going. */
const SETTLE_MS = 2;

interface Pending {
  readonly dueMs: number;
  readonly task: () => void;
  real: Timer;
}

/**
 * Time that goes on as the machine's does, and further by whatever it is moved. Both its clocks
 * move together, as when time really passes: a wall clock that jumps alone is suspicious to a
 * broker.
 */
export class VirtualTime implements Time {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly #pending = new Set<Pending>();
  #aheadMs = 0;

  constructor() {
    this.clock = {
      monotonicMs: () => machineTime.clock.monotonicMs() + this.#aheadMs,
      wallMs: () => machineTime.clock.wallMs() + this.#aheadMs,
    };
    this.timers = {
      after: (delayMs, task) => this.#after(delayMs, task),
      endOfTurn: (task) => machineTime.timers.endOfTurn(task),
    };
  }

  /**
   * Moves time on, and runs what falls due. RangeError unless `durationMs` is 0 to a century.
   *
   * Not timer by timer: a periodic task of a second has 700,000 turns in eight days. The way is
   * walked in steps that grow shorter, 250 ms in the end, so that a periodic task has had its turn
   * less than a step ago, and a task that measures how late it is woken finds no stall at last.
   */
  async advance(durationMs: number): Promise<void> {
    if (!(durationMs >= 0 && durationMs <= ADVANCE_MS_MAX)) {
      throw new RangeError(`time goes on by 0 to ${ADVANCE_MS_MAX} ms, not by ${durationMs}`);
    }
    let leftMs = Math.ceil(durationMs);
    while (leftMs > 0) {
      const stepMs = Math.min(leftMs, Math.max(STEP_MS_MIN, Math.ceil(leftMs * STEP_SHARE)));
      leftMs -= stepMs;
      this.#step(stepMs);
      await sleep(machineTime.timers, SETTLE_MS);
    }
  }

  #after(delayMs: number, task: () => void): Timer {
    const dueMs = this.clock.monotonicMs() + delayMs;
    const fire = (): void => {
      this.#pending.delete(pending);
      task();
    };
    const real = machineTime.timers.after(delayMs, fire);
    const pending: Pending = { dueMs, task: fire, real };
    this.#pending.add(pending);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.real.cancel();
      },
    };
  }

  /** Sets every timer again by what is left of its time, the one that is due first first. */
  #step(stepMs: number): void {
    this.#aheadMs += stepMs;
    const nowMs = this.clock.monotonicMs();
    for (const pending of [...this.#pending].toSorted((a, b) => a.dueMs - b.dueMs)) {
      pending.real.cancel();
      pending.real = machineTime.timers.after(Math.max(0, pending.dueMs - nowMs), pending.task);
    }
  }
}
