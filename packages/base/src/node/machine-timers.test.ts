import { performance } from "node:perf_hooks";
import { describe, expect, it } from "vitest";
import { machineTimers } from "./machine-timers.ts";

/** How long after being asked for a timer fired. */
function firedAfterMs(delayMs: number): Promise<number> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    machineTimers.after(delayMs, () => resolve(performance.now() - startMs));
  });
}

describe("machineTimers", () => {
  it("never fires early, also by a fraction of a millisecond", async () => {
    for (let delayMs = 0.45; delayMs < 8; delayMs += 0.25) {
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
