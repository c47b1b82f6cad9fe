import { describe, expect, it } from "vitest";
import { isFlat, memoryTrend } from "./memory-slope.ts";

const samples = (residentAt: (minutes: number) => number) =>
  Array.from({ length: 60 }, (_, minutes) => ({ minutes, residentMiB: residentAt(minutes) }));

describe("memoryTrend", () => {
  it("calls memory flat that goes up and down around one figure", () => {
    const trend = memoryTrend(samples((minutes) => 200 + (minutes % 5) * 10));
    expect(Math.abs(trend.mibPerHour)).toBeLessThan(5);
    expect(isFlat(trend)).toBe(true);
    expect(trend.maxMiB).toBe(240);
  });

  it("finds a leak of one MiB a minute", () => {
    const trend = memoryTrend(samples((minutes) => 200 + minutes));
    expect(trend.mibPerHour).toBeCloseTo(60);
    expect(isFlat(trend)).toBe(false);
  });
});
