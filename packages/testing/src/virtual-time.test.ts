import { machineTime } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { VirtualTime } from "./virtual-time.ts";

const DAY_MS = 86_400_000;

describe("VirtualTime", () => {
  it("moves both clocks together, and goes on by itself", async () => {
    const time = new VirtualTime();
    const skewMs = time.clock.wallMs() - time.clock.monotonicMs();
    await time.advance(3 * DAY_MS);
    expect(time.clock.wallMs() - machineTime.clock.wallMs()).toBeGreaterThanOrEqual(3 * DAY_MS - 1);
    expect(time.clock.wallMs() - machineTime.clock.wallMs()).toBeLessThanOrEqual(3 * DAY_MS + 1);
    // The machine's own wall clock counts whole milliseconds and may be corrected a little.
    expect(Math.abs(time.clock.wallMs() - time.clock.monotonicMs() - skewMs)).toBeLessThan(500);
    const beforeMs = time.clock.monotonicMs();
    await new Promise<void>((resolve) => {
      time.timers.after(5, resolve);
    });
    expect(time.clock.monotonicMs() - beforeMs).toBeGreaterThanOrEqual(5);
  });

  it("runs what falls due in order, and nothing that is not due or was cancelled", async () => {
    const time = new VirtualTime();
    const ran: string[] = [];
    time.timers.after(60_000, () => ran.push("a minute"));
    time.timers.after(50_000, () => ran.push("less")).cancel();
    time.timers.after(3_600_000, () => ran.push("an hour")).cancel();
    const day = time.timers.after(DAY_MS, () => ran.push("a day"));
    time.timers.after(1_000, () => ran.push("a second"));
    await time.advance(DAY_MS - 60_000);
    expect(ran).toEqual(["a second", "a minute"]);
    day.cancel();
    await time.advance(DAY_MS);
    expect(ran).toEqual(["a second", "a minute"]);
  });

  it("lets a periodic task run late on the way, and within a step at its end", async () => {
    const time = new VirtualTime();
    const startMs = time.clock.monotonicMs();
    const turnsMs: number[] = [];
    const turn = (): void => {
      const nowMs = time.clock.monotonicMs() - startMs;
      turnsMs.push(nowMs);
      if (nowMs < 8 * DAY_MS) time.timers.after(1_000, turn);
    };
    turn();
    await time.advance(8 * DAY_MS);
    expect(turnsMs.at(-1)).toBeGreaterThan(8 * DAY_MS - 2_000);
    expect(turnsMs.length).toBeLessThan(200);
  });

  it("goes neither back nor beyond a century", async () => {
    const time = new VirtualTime();
    for (const durationMs of [-1, Number.NaN, Number.POSITIVE_INFINITY, 200 * 366 * DAY_MS]) {
      await expect(time.advance(durationMs)).rejects.toThrow(RangeError);
    }
  });
});
