import { expect, test } from "vitest";
import { plainFrame } from "../testing/frames.ts";
import { encodeWalBatch, WalBatch, type WalBatchPlace } from "./wal-batch.ts";
import {
  decodeWalBatchHeader,
  encodeWalBatchHeader,
  lifeSeed,
  WAL_BATCH_HEADER_BYTES,
  type WalBatchHeader,
} from "./wal-batch-header.ts";
import { batchBytes, scanWalFile } from "./wal-scan.ts";

const HEADER: WalBatchHeader = {
  life: 2 ** 33 + 5,
  batch: 2 ** 34 + 6,
  syncedThrough: 2 ** 34 + 5,
  replayFrom: 2 ** 34 + 1,
  recordCount: 7,
  tableBytes: 300,
  payloadBytes: 4_000,
  tableCrc: 0xdead_beef,
  isHead: true,
  isSeal: false,
};

const PLACE: WalBatchPlace = {
  life: 4,
  syncedThrough: 9,
  replayFrom: 10,
  head: undefined,
  isSeal: false,
};

/** A file with one batch of two entries. */
function fileOf(place: Partial<WalBatchPlace> = {}): Uint8Array {
  const batch = new WalBatch(10);
  for (const index of [5, 6]) {
    const frame = plainFrame({ term: 1, index, baseOffset: 0 }, "command", Uint8Array.of(index));
    batch.addEntry(1, frame);
  }
  const { parts, sizeBytes } = encodeWalBatch(batch, { ...PLACE, ...place });
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

test.each([
  [true, true],
  [true, false],
  [false, true],
  [false, false],
])("a header comes back as it was (head %s, seal %s)", (isHead, isSeal) => {
  const header = { ...HEADER, isHead, isSeal };
  const bytes = encodeWalBatchHeader(header);
  expect(bytes).toHaveLength(WAL_BATCH_HEADER_BYTES);
  expect(decodeWalBatchHeader(bytes, 0, header.life)).toEqual(header);
  const later = new Uint8Array(100);
  later.set(bytes, 36);
  expect(decodeWalBatchHeader(later, 36, header.life)).toEqual(header);
  expect(decodeWalBatchHeader(later.subarray(0, 99), 36, header.life)).toBeUndefined();
});

test("a header with any bit flipped, or of another life, is none", () => {
  const bytes = encodeWalBatchHeader(HEADER);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = bytes.slice();
    damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    expect(decodeWalBatchHeader(damaged, 0, HEADER.life), `bit ${bit}`).toBeUndefined();
  }
  for (const life of [5, HEADER.life + 1, HEADER.life + 2 ** 32]) {
    expect(decodeWalBatchHeader(bytes, 0, life)).toBeUndefined();
  }
});

test("both halves of a life's number seed its checksums", () => {
  expect(lifeSeed(5)).toBe(5);
  expect(lifeSeed(2 ** 32)).toBe(1);
  expect(new Set([1, 2, 5, 2 ** 34, 2 ** 33 + 1].map(lifeSeed)).size).toBe(5);
});

test("the body of another life does not fit a header, even where nothing else differs", () => {
  const [before, now] = [fileOf({ life: 4 }), fileOf({ life: 5 })];
  const crcOf = (bytes: Uint8Array): string => bytes.slice(56, 60).join();
  expect(crcOf(before)).not.toBe(crcOf(now));
  const torn = before.slice();
  torn.set(now.subarray(0, 56), 0);
  expect(scanWalFile(torn, 5)).toEqual([]);
  expect(scanWalFile(now, 5)).toHaveLength(1);
});

test("a batch is whole, or says which of its entries are not", () => {
  const bytes = fileOf();
  const [found] = scanWalFile(bytes, 4);
  expect(found).toMatchObject({ position: 0, isTableIntact: true, brokenEntries: [] });
  if (found === undefined) return;
  expect(batchBytes(found.header)).toBe(WAL_BATCH_HEADER_BYTES + 2 * 48 + 2);
  const payloads = WAL_BATCH_HEADER_BYTES + 96;
  const damaged = bytes.slice();
  damaged[payloads + 1] = 99;
  expect(scanWalFile(damaged, 4)).toMatchObject([{ isTableIntact: true, brokenEntries: [1] }]);
  expect(scanWalFile(bytes.subarray(0, payloads + 1), 4)).toMatchObject([{ brokenEntries: [1] }]);
  expect(scanWalFile(bytes.subarray(0, payloads), 4)).toMatchObject([{ brokenEntries: [0, 1] }]);
  expect(scanWalFile(bytes.subarray(0, payloads - 1), 4)).toMatchObject([
    { isTableIntact: false, brokenEntries: [] },
  ]);
});

test("a table that has another number of records than its header says is not believed", () => {
  const bytes = fileOf();
  const header = decodeWalBatchHeader(bytes, 0, 4);
  if (header === undefined) throw new Error("no header");
  const lied = bytes.slice();
  lied.set(encodeWalBatchHeader({ ...header, recordCount: 3 }), 0);
  expect(scanWalFile(lied, 4)).toMatchObject([{ isTableIntact: false }]);
});

test("a head begins with the hard states of all groups", () => {
  const head = new Map([[8, { term: 2, vote: 3, commit: 4 }]]);
  const [found] = scanWalFile(fileOf({ head }), 4);
  expect(found?.header).toMatchObject({ isHead: true, recordCount: 3, tableBytes: 2 * 48 + 32 });
  expect(found?.isTableIntact).toBe(true);
});
