import { describe, expect, test } from "vitest";
import { type ResetRule, resetTarget } from "./offset-reset.ts";

const partition = { topic: "orders", partition: 0, earliest: 100, latest: 200, committed: 150 };

describe("the offset that a reset sets", () => {
  test.each<[ResetRule, number]>([
    ["earliest", 100],
    ["latest", 200],
    [{ offset: 120n }, 120],
    [{ offset: 5 }, 100],
    [{ offset: 999 }, 200],
    [{ shift: 10 }, 160],
    [{ shift: -10 }, 140],
    [{ shift: -1_000 }, 100],
    [{ shift: 1_000 }, 200],
  ])("stays inside the partition: %o gives %i", (to, target) => {
    expect(resetTarget({ ...partition, atTime: undefined }, to)).toBe(target);
  });

  test("by time is that of the record found, within what the partition had then", () => {
    const to = { timestampMs: 1 };
    expect(resetTarget({ ...partition, atTime: 170 }, to)).toBe(170);
    expect(resetTarget({ ...partition, atTime: 230 }, to)).toBe(200);
  });

  test("by shift needs something to shift from", () => {
    const nothing = { ...partition, committed: undefined, atTime: undefined };
    expect(resetTarget(nothing, { shift: -1 })).toBeUndefined();
  });
});
