// Lookups are compared with a naive search over all frames of a random segment.
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeIndexFile, encodeIndexBlock } from "./index-file.ts";
import { type IndexEntry, SparseIndex } from "./sparse-index.ts";

interface Row extends IndexEntry {
  readonly span: number;
  readonly timestampMs: number;
}

const frames = fc.array(
  fc.record({
    span: fc.constantFrom(0, 0, 1, 3),
    bytes: fc.integer({ min: 41, max: 900 }),
    timestampMs: fc.integer({ min: 0, max: 50 }),
  }),
  { minLength: 1, maxLength: 120 },
);

/**
 * Lays frames out in a segment and indexes each one that is `interval` bytes behind the last row.
 */
function build(
  list: readonly { span: number; bytes: number; timestampMs: number }[],
  interval: number,
): { readonly rows: readonly Row[]; readonly index: SparseIndex } {
  const index = new SparseIndex(1000, 5000);
  const rows: Row[] = [];
  let position = 64;
  let baseOffset = 5000;
  let maxTimestampBefore = -1;
  let nextRow = 0;
  for (const [at, { span, bytes, timestampMs }] of list.entries()) {
    const row = { index: 1000 + at, baseOffset, position, maxTimestampBefore };
    rows.push({ ...row, span, timestampMs });
    if (position >= nextRow) {
      index.add(row);
      nextRow = position + interval;
    }
    position += bytes;
    baseOffset += span;
    if (span > 0) maxTimestampBefore = Math.max(maxTimestampBefore, timestampMs);
  }
  return { rows, index };
}

/** Scans forward from a row, as a reader does. */
function scan(
  rows: readonly Row[],
  from: IndexEntry | undefined,
  isWanted: (row: Row) => boolean,
): Row | undefined {
  return rows.find((row) => row.position >= (from?.position ?? 0) && isWanted(row));
}

test("a scan from the row found meets the frame that a search of all frames finds", () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 64, max: 2000 }), fc.nat(130), (list, interval, n) => {
      const { rows, index } = build(list, interval);
      const hasIndex = (row: Row): boolean => row.index === 1000 + n;
      const hasOffset = (row: Row): boolean =>
        row.baseOffset <= 5000 + n && row.baseOffset + row.span > 5000 + n;
      const isLate = (row: Row): boolean => row.span > 0 && row.timestampMs >= n;
      expect(scan(rows, index.floorByIndex(1000 + n), hasIndex)).toEqual(rows.find(hasIndex));
      expect(scan(rows, index.floorByOffset(5000 + n), hasOffset)).toEqual(rows.find(hasOffset));
      expect(scan(rows, index.floorByTimestamp(n), isLate)).toEqual(rows.find(isLate));
    }),
    { numRuns: 500 },
  );
});

test("an index file gives back its rows up to the first block that does not hold", () => {
  fc.assert(
    fc.property(frames, fc.nat(), (list, flip) => {
      const { index } = build(list, 300);
      const owner = { identity: 77, baseIndex: 1000, baseOffset: 5000 };
      const half = Math.floor(index.count / 2);
      const first = new SparseIndex(1000, 5000);
      for (let at = 0; at < half; at++) first.add(index.entry(at));
      const blocks = [
        encodeIndexBlock(owner, first, { fromRow: 0, coveredBytes: 900, maxTimestamp: 4 }),
        encodeIndexBlock(owner, index, { fromRow: half, coveredBytes: 9000, maxTimestamp: 9 }),
      ];
      const bytes = Uint8Array.from(blocks.flatMap((block) => [...block]));
      const whole = decodeIndexFile(owner, bytes);
      expect(whole.coveredBytes).toBe(9000);
      expect(whole.rows).toEqual(Array.from({ length: index.count }, (_, at) => index.entry(at)));
      expect(decodeIndexFile({ ...owner, identity: 78 }, bytes).rows).toEqual([]);
      const position = (blocks[0]?.length ?? 0) + (flip % (blocks[1]?.length ?? 1));
      bytes[position] = (bytes[position] ?? 0) ^ 4;
      const damaged = decodeIndexFile(owner, bytes);
      expect(damaged.rows).toHaveLength(half);
      expect(damaged.coveredBytes).toBe(900);
    }),
    { numRuns: 60 },
  );
});

test("rows out of order are a bug", () => {
  const index = new SparseIndex(1, 0);
  index.add({ index: 5, baseOffset: 3, position: 100, maxTimestampBefore: -1 });
  const again = { index: 5, baseOffset: 3, position: 200, maxTimestampBefore: -1 };
  expect(() => index.add(again)).toThrow(/out of order/);
});

test("hundreds of rows are found exactly: the last one at or below, or none", () => {
  const index = new SparseIndex(1_000, 5_000);
  const rows = Array.from({ length: 300 }, (_, at): IndexEntry => {
    const place = { index: 1_000 + at * 4, baseOffset: 5_000 + at * 6, position: 64 + at * 700 };
    return { ...place, maxTimestampBefore: Math.floor(at / 2) * 10 - 1 };
  });
  for (const row of rows) index.add(row);
  expect(index.count).toBe(300);
  const last = (holds: (row: IndexEntry) => boolean): IndexEntry | undefined =>
    rows.filter(holds).at(-1);
  for (let n = -3; n < 1_900; n += 1) {
    expect(index.floorByIndex(1_000 + n)).toEqual(last((row) => row.index <= 1_000 + n));
    expect(index.floorByOffset(5_000 + n)).toEqual(last((row) => row.baseOffset <= 5_000 + n));
    expect(index.floorByTimestamp(n)).toEqual(last((row) => row.maxTimestampBefore < n));
  }
  index.truncateSuffix(64 + 700 * 100 + 1);
  expect(index.count).toBe(101);
  index.truncateSuffix(64 + 700 * 100);
  expect(index.count).toBe(100);
  expect(index.floorByIndex(9_999)).toEqual(rows[99]);
  index.truncateSuffix(0);
  expect([index.count, index.floorByIndex(9_999)]).toEqual([0, undefined]);
  expect(() => index.entry(0)).toThrow(/row 0 of 0/);
});

test.each([
  ["index", { index: 5, baseOffset: 9, position: 200 }],
  ["position", { index: 9, baseOffset: 9, position: 100 }],
  ["offset", { index: 9, baseOffset: 2, position: 200 }],
])("a row whose %s does not follow is a bug", (_what, place) => {
  const index = new SparseIndex(1, 0);
  index.add({ index: 5, baseOffset: 3, position: 100, maxTimestampBefore: -1 });
  expect(() => index.add({ ...place, maxTimestampBefore: -1 })).toThrow(/out of order/);
  // Frames without records share an offset.
  index.add({ index: 6, baseOffset: 3, position: 101, maxTimestampBefore: -1 });
});
