import type { Timers } from "../ports/timers.ts";
import { machineClock } from "./machine-clock.ts";

/**
 * The event loop's timers: the only place that calls `setTimeout` and `setImmediate`.
 *
 * Node's timers count whole milliseconds on both ends, so they fire up to two milliseconds early.
 * Whoever then compares its clock with the due time finds it not reached and may wait for ever. A
 * timer that fires early is set again for the rest.
 */
export const machineTimers: Timers = {
  after(delayMs, task) {
    const dueMs = machineClock.monotonicMs() + delayMs;
    const fire = (): void => {
      const leftMs = dueMs - machineClock.monotonicMs();
      if (leftMs <= 0) task();
      else handle = setTimeout(fire, leftMs);
    };
    let handle = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn(task) {
    setImmediate(task);
  },
};
