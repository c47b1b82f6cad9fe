import { ManualTime } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { Deadlines } from "./deadlines.ts";

describe("Deadlines", () => {
  it("calls each one once when it is due, in whatever order they were added", () => {
    const time = new ManualTime();
    const deadlines = new Deadlines(time, time);
    const called: string[] = [];
    deadlines.add(500, () => called.push("late"));
    deadlines.add(100, () => called.push("early"));
    time.advance(99);
    expect(called).toEqual([]);
    time.advance(10);
    expect(called).toEqual(["early"]);
    time.advance(1_000);
    expect(called).toEqual(["early", "late"]);
    expect(time.pendingCount).toBe(0);
  });

  it("does not call what was removed, also by another one that is due in the same round", () => {
    const time = new ManualTime();
    const deadlines = new Deadlines(time, time);
    const called: string[] = [];
    const gone = deadlines.add(10, () => called.push("gone"));
    deadlines.add(20, () => {
      called.push("first");
      deadlines.remove(second);
    });
    const second = deadlines.add(20, () => called.push("second"));
    deadlines.remove(gone);
    time.advance(100);
    expect(called).toEqual(["first"]);
  });

  it("runs one timer for any number of deadlines", () => {
    const time = new ManualTime();
    const deadlines = new Deadlines(time, time);
    for (let i = 0; i < 1_000; i++) deadlines.add(1_000 + i, () => {});
    expect(time.pendingCount).toBe(1);
    expect(deadlines.count).toBe(1_000);
    deadlines.close();
    expect(time.pendingCount).toBe(0);
  });
});
