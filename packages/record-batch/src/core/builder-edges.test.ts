import { encodeUtf8 } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { BatchBuilder } from "./batch-builder.ts";
import { openBatchWith } from "./codec.ts";
import { BATCH_HEADER_BYTES, readBatchHeader } from "./header.ts";
import { RecordCursor } from "./record-cursor.ts";
import { validateBatch } from "./batch-validation.ts";

const record = (text: string, timestampMs = 5) => {
  return { key: null, value: encodeUtf8(text), timestampMs };
};

function cursorOf(batch: Uint8Array): RecordCursor {
  const opened = openBatchWith(batch, { maxDecompressedBytes: 0, codecs: () => undefined });
  if (!opened.ok) throw new Error(opened.message);
  return opened.cursor;
}

function recordsOf(batch: Uint8Array) {
  const cursor = cursorOf(batch);
  const found: { readonly offset: number; readonly timestampMs: number; readonly text: string }[] =
    [];
  while (cursor.next()) {
    const { offset, timestampMs } = cursor;
    found.push({ offset, timestampMs, text: Buffer.from(cursor.value() ?? []).toString() });
  }
  expect(cursor.isCorrupt).toBe(false);
  return found;
}

describe("a builder", () => {
  test("takes times from none to the largest, forwards and backwards, and no others", () => {
    const builder = new BatchBuilder();
    const largest = 2 ** 51;
    for (const refused of [-2, 0.5, Number.NaN, Number.POSITIVE_INFINITY, largest + 1]) {
      expect(() => builder.append(record("x", refused))).toThrow(RangeError);
    }
    expect(builder.recordCount).toBe(0);
    const times = [1_000, -1, 999, largest, 1_000];
    for (const time of times) builder.append(record(String(time), time));
    const batch = builder.build();
    expect(recordsOf(batch).map(({ timestampMs }) => timestampMs)).toEqual(times);
    expect(readBatchHeader(batch, 0)).toMatchObject({
      baseTimestamp: 1_000,
      maxTimestamp: largest,
    });
  });

  test("begins its largest time with that of its first record, also after a reset", () => {
    const builder = new BatchBuilder();
    builder.append(record("late", 9_000));
    builder.build();
    builder.reset();
    builder.append(record("early", -1));
    expect(readBatchHeader(builder.build(), 0)).toMatchObject({
      baseTimestamp: -1,
      maxTimestamp: -1,
    });
  });

  test("starts at nothing after a reset, built or not", () => {
    for (const isBuilt of [true, false]) {
      const builder = new BatchBuilder();
      for (const text of ["a", "b", "c"]) builder.append(record(text));
      const before = isBuilt ? builder.build() : undefined;
      const copy = before?.slice();
      builder.reset();
      expect([builder.recordCount, builder.sizeBytes]).toEqual([0, BATCH_HEADER_BYTES]);
      builder.append(record("next", 7));
      expect(builder.recordCount).toBe(1);
      const batch = builder.build();
      expect(recordsOf(batch)).toEqual([{ offset: 0, timestampMs: 7, text: "next" }]);
      expect(readBatchHeader(batch, 0)).toMatchObject({ recordCount: 1, lastOffsetDelta: 0 });
      expect(validateBatch(batch, { maxBytes: 1_000 }).ok).toBe(true);
      expect(before).toEqual(copy);
    }
  });

  test("is closed exactly at the size that it may have", () => {
    const measure = new BatchBuilder();
    measure.append(record("one"));
    const oneBytes = measure.sizeBytes;
    const twoBytes = measure.append(record("two"));
    const builder = new BatchBuilder({ initialBytes: 0 });
    expect(builder.tryAppend(record("one"), oneBytes - 1)).toBe(false);
    expect(builder.tryAppend(record("one"), oneBytes)).toBe(true);
    expect(builder.tryAppend(record("two"), twoBytes - 1)).toBe(false);
    expect(builder.tryAppend(record("two"), twoBytes)).toBe(true);
    expect(builder.sizeBytes).toBe(twoBytes);
    expect(recordsOf(builder.build()).map(({ text }) => text)).toEqual(["one", "two"]);
  });

  test("grows as it must, keeping what it has", () => {
    const texts = Array.from({ length: 200 }, (_, at) => `${at} ${"x".repeat(at * 7)}`);
    for (const options of [{}, { initialBytes: 1 }, { buffer: new Uint8Array(61) }]) {
      const builder = new BatchBuilder(options);
      for (const text of texts) builder.append(record(text));
      const batch = builder.build();
      expect(batch).toHaveLength(builder.sizeBytes);
      expect(recordsOf(batch).map(({ text }) => text)).toEqual(texts);
    }
  });

  test("writes into a buffer that it is given when a header fits into it", () => {
    const given = new Uint8Array(500);
    const inside = new BatchBuilder({ buffer: given });
    inside.append(record("a"));
    expect(inside.build().buffer).toBe(given.buffer);
    const exact = new Uint8Array(inside.sizeBytes);
    const full = new BatchBuilder({ buffer: exact });
    full.append(record("a"));
    expect(full.build().buffer).toBe(exact.buffer);
    const small = new BatchBuilder({ buffer: new Uint8Array(60) });
    small.append(record("a"));
    expect(recordsOf(small.build())).toHaveLength(1);
  });

  test("builds no empty batch, and takes nothing more once it has built", () => {
    const builder = new BatchBuilder();
    expect(() => builder.build()).toThrow(/empty/);
    builder.append(record("a"));
    builder.build();
    expect(() => builder.append(record("b"))).toThrow(/after build/);
    expect(() => builder.build()).toThrow(/built/);
  });
});

describe("a cursor", () => {
  test("has nothing before its first record", () => {
    const builder = new BatchBuilder();
    builder.append(record("a"));
    const cursor = cursorOf(builder.build());
    expect([cursor.key(), cursor.value(), cursor.headers(), cursor.payloadBytes]).toEqual([
      null,
      null,
      [],
      0,
    ]);
    expect([cursor.keyStart, cursor.valueStart, cursor.headerCount]).toEqual([0, 0, 0]);
    expect([cursor.offset, cursor.timestampMs, cursor.isCorrupt, cursor.recordEnd]).toEqual([
      -1,
      -1,
      false,
      0,
    ]);
  });
});
