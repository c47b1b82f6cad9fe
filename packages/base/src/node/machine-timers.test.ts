import { performance } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { machineTimers } from "./machine-timers.ts";

function busyFor(durationMs: number): void {
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs);
}

/** How long after being asked for a timer fired, when the turn that asked had been long already. */
function firedAfterMs(delayMs: number): Promise<number> {
  return new Promise((resolve) => {
    setImmediate(() => {
      busyFor(30);
      const startMs = performance.now();
      machineTimers.after(delayMs, () => resolve(performance.now() - startMs));
    });
  });
}

describe("machineTimers", () => {
  it("never fires early, also when it was set at the end of a long turn", async () => {
    for (const delayMs of [0, 0.4, 3, 12.7, 25]) {
      expect(await firedAfterMs(delayMs)).toBeGreaterThanOrEqual(delayMs);
    }
  });

  it("does not fire once cancelled", async () => {
    let fired = 0;
    const timer = machineTimers.after(2, () => fired++);
    timer.cancel();
    await new Promise<void>((resolve) => {
      machineTimers.after(10, resolve);
    });
    expect(fired).toBe(0);
  });
});
