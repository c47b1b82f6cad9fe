import { encodeUtf8 } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { BatchBuilder } from "./batch-builder.ts";
import { openBatchWith } from "./codec.ts";
import { writeInt32 } from "./integers.ts";
import { RecordCursor, type RecordSection } from "./record-cursor.ts";
import { writeVarint } from "./varint.ts";
import { zstdContentSize } from "./zstd-frame.ts";

/** A section of one record that is made of these numbers, its length in front. */
function sectionOf(fields: readonly (number | Uint8Array)[], lie = 0): RecordSection {
  const body = new Uint8Array(1_000);
  let end = 1; // Attributes.
  for (const field of fields) {
    if (typeof field === "number") end = writeVarint(body, end, field);
    else {
      body.set(field, end);
      end += field.length;
    }
  }
  const bytes = new Uint8Array(1_010);
  const start = writeVarint(bytes, 0, end + lie);
  bytes.set(body.subarray(0, end), start);
  const facts = { baseOffset: 70, baseTimestamp: 1_000, logAppendTimestamp: undefined };
  return { bytes, start: 0, end: start + end, ...facts, recordCount: 1 };
}

function isTaken(section: RecordSection): boolean {
  const cursor = new RecordCursor(section);
  const isThere = cursor.next();
  return isThere && !cursor.next() && !cursor.isCorrupt;
}

const AB = Uint8Array.of(65, 66);
const timeAndOffset = [5, 2] as const;

describe("a record", () => {
  test("says where it, its key, its value and its headers are", () => {
    const fields = [...timeAndOffset, 2, AB, 1, AB.subarray(1), 1, 1, AB.subarray(0, 1), 2, AB];
    const section = sectionOf(fields);
    const cursor = new RecordCursor(section);
    expect(cursor.next()).toBe(true);
    expect(cursor.view()).toEqual({
      offset: 72,
      timestampMs: 1_005,
      key: AB,
      value: AB.subarray(1),
      headers: [{ key: "A", value: AB }],
    });
    expect([cursor.recordEnd, cursor.payloadBytes, cursor.headerCount]).toEqual([
      section.end,
      3,
      1,
    ]);
    expect([cursor.next(), cursor.isCorrupt]).toEqual([false, false]);
    expect(cursor.recordEnd).toBe(section.end);
  });

  test("may have neither key, value nor headers, or empty ones", () => {
    const nulls = new RecordCursor(sectionOf([...timeAndOffset, -1, -1, 0]));
    expect([nulls.next(), nulls.key(), nulls.value(), nulls.payloadBytes]).toEqual([
      true,
      null,
      null,
      0,
    ]);
    const empty = new RecordCursor(sectionOf([...timeAndOffset, 0, 0, 1, 0, -1]));
    expect([empty.next(), empty.key(), empty.value()]).toEqual([
      true,
      new Uint8Array(0),
      new Uint8Array(0),
    ]);
    expect(empty.headers()).toEqual([{ key: "", value: null }]);
  });

  test.each<[string, readonly (number | Uint8Array)[]]>([
    ["a key of length −2", [...timeAndOffset, -2, -1, 0]],
    ["a value of length −2", [...timeAndOffset, -1, -2, 0]],
    ["a key beyond its end", [...timeAndOffset, 9, -1, 0]],
    ["a value beyond its end", [...timeAndOffset, -1, 9, 0]],
    ["fewer headers than none", [...timeAndOffset, -1, -1, -1]],
    ["a header that is missing", [...timeAndOffset, -1, -1, 1]],
    ["a header with a name of length −1", [...timeAndOffset, -1, -1, 1, -1, -1]],
    ["a header with a value of length −2", [...timeAndOffset, -1, -1, 1, 1, AB.subarray(1), -2]],
    ["a header whose value is beyond its end", [...timeAndOffset, -1, -1, 1, 0, 9]],
    ["a byte too many", [...timeAndOffset, -1, -1, 0, AB.subarray(1)]],
    ["more headers than any batch has", [...timeAndOffset, -1, -1, 65_537]],
  ])("with %s is corrupt", (_what, fields) => {
    const cursor = new RecordCursor(sectionOf(fields));
    expect([cursor.next(), cursor.isCorrupt, cursor.next()]).toEqual([false, true, false]);
  });

  test("with a number in more than five bytes is corrupt", () => {
    const short = sectionOf([...timeAndOffset, -1, -1, 0]);
    const body = short.bytes.subarray(1, short.end);
    const long = Uint8Array.from([
      (short.bytes[0] ?? 0) | 0x80,
      0x80,
      0x80,
      0x80,
      0x80,
      0,
      ...body,
    ]);
    expect(isTaken({ ...short, bytes: long, end: long.length })).toBe(false);
    const five = Uint8Array.from([(short.bytes[0] ?? 0) | 0x80, 0x80, 0x80, 0x80, 0, ...body]);
    expect(isTaken({ ...short, bytes: five, end: five.length })).toBe(true);
  });

  test("whose length is not its own is corrupt", () => {
    const fields = [...timeAndOffset, 2, AB, 1, AB.subarray(1), 0];
    expect(isTaken(sectionOf(fields))).toBe(true);
    for (const lie of [-6, -1, 1, 2, 500]) expect(isTaken(sectionOf(fields, lie))).toBe(false);
    expect(isTaken(sectionOf([...timeAndOffset, -1, -1, 0]))).toBe(true);
    expect(isTaken({ ...sectionOf([...timeAndOffset, -1, -1, 0]), recordCount: 2 })).toBe(false);
  });
});

describe("a batch", () => {
  function threeRecords(): Uint8Array {
    const builder = new BatchBuilder();
    for (const text of ["one", "two", "three"]) {
      builder.append({ key: null, value: encodeUtf8(text), timestampMs: 5 });
    }
    return builder.build();
  }

  const options = { maxDecompressedBytes: 1_000, codecs: () => undefined };

  test("is read wherever it lies, up to its own end", () => {
    const batch = threeRecords();
    const bytes = new Uint8Array(batch.length + 20);
    bytes.set(batch, 7);
    const opened = openBatchWith(bytes, { ...options, position: 7 });
    expect(opened.ok).toBe(true);
    if (!opened.ok) return;
    const ends: number[] = [];
    while (opened.cursor.next()) ends.push(opened.cursor.recordEnd);
    expect([ends.length, ends.at(-1), opened.cursor.isCorrupt]).toEqual([
      3,
      7 + batch.length,
      false,
    ]);
  });

  test("that is cut anywhere is not opened", () => {
    const batch = threeRecords();
    for (let length = 0; length < batch.length; length++) {
      expect(openBatchWith(batch.subarray(0, length), options), `${length} bytes`).toMatchObject({
        ok: false,
        code: "CORRUPT_BATCH",
      });
    }
    expect(openBatchWith(batch, options).ok).toBe(true);
    writeInt32(batch, 8, 48);
    expect(openBatchWith(batch, options).ok).toBe(false);
    writeInt32(batch, 8, 49);
    expect(openBatchWith(batch, options).ok).toBe(true);
    expect(openBatchWith(batch.subarray(0, 61), options).ok).toBe(true);
  });

  test("with fewer or more records than it says is corrupt at its end", () => {
    for (const count of [2, 4]) {
      const batch = threeRecords();
      writeInt32(batch, 57, count);
      const opened = openBatchWith(batch, options);
      if (!opened.ok) throw new Error(opened.message);
      let records = 0;
      while (opened.cursor.next()) records++;
      expect([records, opened.cursor.isCorrupt]).toEqual([Math.min(count, 3), true]);
    }
  });
});

describe("the header of a zstd frame", () => {
  const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];
  const frame = (...rest: number[]): Uint8Array => Uint8Array.from([...MAGIC, ...rest]);

  test.each<[string, Uint8Array, object]>([
    ["one byte", frame(0x20, 9), { kind: "known", bytes: 9 }],
    ["none", frame(0x00, 0), { kind: "unknown" }],
    ["two bytes", frame(0x40, 0, 1, 2), { kind: "known", bytes: 0x201 + 256 }],
    ["two bytes, no window", frame(0x60, 1, 2), { kind: "known", bytes: 0x201 + 256 }],
    ["four bytes", frame(0xa0, 1, 2, 3, 4), { kind: "known", bytes: 0x0403_0201 }],
    ["eight bytes", frame(0xe0, 1, 0, 0, 0, 0, 1, 0, 0), { kind: "known", bytes: 2 ** 40 + 1 }],
    ["a dictionary of one byte", frame(0x21, 7, 9), { kind: "known", bytes: 9 }],
    ["a dictionary of two bytes", frame(0x22, 7, 7, 9), { kind: "known", bytes: 9 }],
    ["a dictionary of four bytes", frame(0x23, 7, 7, 7, 7, 9), { kind: "known", bytes: 9 }],
  ])("says its size: %s", (_what, bytes, size) => {
    expect(zstdContentSize(bytes)).toEqual(size);
    if ("bytes" in size) {
      expect(zstdContentSize(bytes.subarray(0, -1))).toEqual({ kind: "invalid" });
    }
  });

  test("is none when its magic is another, or missing", () => {
    for (let at = 0; at < 4; at++) {
      const bytes = frame(0x20, 9);
      bytes[at] = 0;
      expect(zstdContentSize(bytes)).toEqual({ kind: "invalid" });
      expect(zstdContentSize(bytes.subarray(0, at))).toEqual({ kind: "invalid" });
    }
    expect(zstdContentSize(frame())).toEqual({ kind: "invalid" });
  });
});
