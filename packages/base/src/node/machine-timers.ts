import type { Timers } from "../ports/timers.ts";

/** The event loop's timers: the only place that calls `setTimeout` and `setImmediate`. */
export const machineTimers: Timers = {
  after(delayMs, task) {
    const handle = setTimeout(task, delayMs);
    return { cancel: () => clearTimeout(handle) };
  },
  endOfTurn(task) {
    setImmediate(task);
  },
};
