import { ManualTime } from "@stratalog/base/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Deadlines } from "./deadlines.ts";

const step = fc.oneof(
  fc.record({ type: fc.constant("set" as const), key: fc.nat(5), delayMs: fc.nat(100) }),
  fc.record({ type: fc.constant("delete" as const), key: fc.nat(5) }),
  fc.record({ type: fc.constant("wait" as const), durationMs: fc.nat(40) }),
);

describe("Deadlines", () => {
  it("come up once each, at their last set time, whatever was set, moved and deleted before", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const time = new ManualTime();
        const due: string[] = [];
        const expected = new Map<number, number>();
        const seen: string[] = [];
        const deadlines = new Deadlines<number>({
          clock: time,
          timers: time,
          onDue: (key) => due.push(`${key} at ${time.monotonicMs()}`),
        });
        const collect = (untilMs: number): void => {
          const ready = [...expected].filter(([, atMs]) => atMs <= untilMs);
          for (const [key, atMs] of ready) {
            seen.push(`${key} at ${atMs}`);
            expected.delete(key);
          }
        };
        for (const one of steps) {
          if (one.type === "set") {
            deadlines.set(one.key, one.delayMs);
            expected.set(one.key, time.monotonicMs() + one.delayMs);
          } else if (one.type === "delete") {
            deadlines.delete(one.key);
            expected.delete(one.key);
          } else {
            time.advance(one.durationMs);
            collect(time.monotonicMs());
          }
          expect(time.pendingCount).toBeLessThanOrEqual(1);
        }
        time.advance(1_000);
        collect(Number.POSITIVE_INFINITY);
        expect(due.toSorted()).toEqual(seen.toSorted());
        expect(deadlines.size).toBe(0);
      }),
    );
  });

  it("are put off when the process stood still, so that whoever was not heard may be", () => {
    const time = new ManualTime();
    let skippedMs = 0;
    const clock = { monotonicMs: () => time.monotonicMs() + skippedMs, wallMs: () => 0 };
    const due: string[] = [];
    const onDue = (key: string): unknown => due.push(key);
    const deadlines = new Deadlines<string>({ clock, timers: time, onDue });
    deadlines.set("silent", 10_000);
    deadlines.set("alive", 10_000);
    skippedMs = 60_000;
    time.advance(10_000);
    expect(due).toEqual([]);
    deadlines.set("alive", 10_000);
    time.advance(6_000);
    expect(due).toEqual(["silent"]);
    time.advance(6_000);
    expect(due).toEqual(["silent", "alive"]);
  });

  it("are forgotten by clear", () => {
    const time = new ManualTime();
    const due: string[] = [];
    const onDue = (key: string): unknown => due.push(key);
    const deadlines = new Deadlines<string>({ clock: time, timers: time, onDue });
    deadlines.set("a", 10);
    deadlines.clear();
    deadlines.set("b", 20);
    time.advance(100);
    expect(due).toEqual(["b"]);
  });
});
