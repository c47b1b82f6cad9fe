import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { retentionStart, type SegmentFacts } from "./retention.ts";

const DAY_MS = 86_400_000;
const now = { wallMs: 100 * DAY_MS, highWatermark: 1_000 };
const keep = { retentionMs: -1, retentionBytes: -1 };

/** Segments of 100 records and 1,000 bytes each, of given ages in days. */
function segments(...agesDays: readonly number[]): readonly SegmentFacts[] {
  return agesDays.map((ageDays, index) => ({
    baseOffset: index * 100,
    nextOffset: (index + 1) * 100,
    sizeBytes: 1_000,
    maxTimestampMs: now.wallMs - ageDays * DAY_MS,
    createdMs: 0,
  }));
}

describe("retentionStart", () => {
  it("keeps everything unless asked", () => {
    expect(retentionStart(segments(90, 80, 70), keep, now)).toBeUndefined();
  });

  it("drops old segments from the front, never the one that is being written", () => {
    const policy = { ...keep, retentionMs: 10 * DAY_MS };
    expect(retentionStart(segments(30, 20, 5, 1), policy, now)).toBe(200);
    expect(retentionStart(segments(30, 20), policy, now)).toBe(100);
    expect(retentionStart(segments(5, 30, 1), policy, now)).toBeUndefined();
  });

  it("keeps a segment whose age is just the retention time", () => {
    const policy = { ...keep, retentionMs: 10 * DAY_MS };
    expect(retentionStart(segments(10, 9, 1), policy, now)).toBeUndefined();
    expect(
      retentionStart(segments(10, 9, 1), { ...policy, retentionMs: 10 * DAY_MS - 1 }, now),
    ).toBe(100);
  });

  it("lets a segment go that ends at the high watermark, and none that goes above it", () => {
    const policy = { ...keep, retentionMs: 10 * DAY_MS };
    const at = (highWatermark: number) =>
      retentionStart(segments(30, 20, 5, 1), policy, { ...now, highWatermark });
    expect([at(200), at(199), at(99)]).toEqual([200, 100, undefined]);
  });

  it("keeps imported history: age counts from when the next segment began", () => {
    const policy = { ...keep, retentionMs: 10 * DAY_MS };
    const [first, ...rest] = segments(90, 80, 70);
    const next = rest.map((s) => ({ ...s, createdMs: now.wallMs - 9 * DAY_MS }));
    expect(retentionStart([...(first ? [first] : []), ...next], policy, now)).toBeUndefined();
    const imported = segments(90, 80, 70).map((s) => ({ ...s, createdMs: now.wallMs }));
    expect(retentionStart(imported, policy, now)).toBeUndefined();
  });

  it("never drops what is not committed", () => {
    const policy = { ...keep, retentionMs: 1 };
    const early = { ...now, highWatermark: 150 };
    expect(retentionStart(segments(30, 20, 10), policy, early)).toBe(100);
  });

  it("by size leaves at least the size asked for, and less than a segment more", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 12_000 }), (retentionBytes) => {
        const all = segments(9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
        const start = retentionStart(all, { ...keep, retentionBytes }, now) ?? 0;
        const leftBytes = (1_000 - start) * 10;
        expect(leftBytes).toBeGreaterThanOrEqual(Math.min(retentionBytes, 10_000));
        if (start < 900) expect(leftBytes - 1_000).toBeLessThan(retentionBytes);
      }),
    );
  });
});
