import { performance } from "node:perf_hooks";
import type { Timers } from "../ports/timers.ts";

/**
 * The event loop's timers: the only place that calls `setTimeout` and `setImmediate`.
 *
 * Node counts a delay from the start of the present turn of its loop, so after a long turn a timer
 * fires early; whoever compares its clock with a due time would then find it not due and wait for
 * ever. A timer that fires early is set again for the rest.
 */
export const machineTimers: Timers = {
  after(delayMs, task) {
    const dueMs = performance.now() + delayMs;
    const fire = (): void => {
      const leftMs = dueMs - performance.now();
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
