import { describe, expect, it } from "vitest";
import { sleep } from "./ports/timers.ts";
import { ManualTime } from "./testing/manual-time.ts";

describe("sleep", () => {
  it("resolves when its time has come", async () => {
    const time = new ManualTime();
    let awake = false;
    const sleeping = sleep(time, 100).then(() => {
      awake = true;
    });
    await time.advanceAsync(99);
    expect(awake).toBe(false);
    await time.advanceAsync(1);
    await sleeping;
    expect(awake).toBe(true);
  });

  it("rejects with the signal's reason and leaves no timer behind", async () => {
    const time = new ManualTime();
    const controller = new AbortController();
    const sleeping = sleep(time, 100, controller.signal);
    controller.abort(new Error("enough"));
    await expect(sleeping).rejects.toThrow("enough");
    expect(time.pendingCount).toBe(0);
    await expect(sleep(time, 1, controller.signal)).rejects.toThrow("enough");
  });
});
