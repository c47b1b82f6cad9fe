import { encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBatch, loadCodec, openBatch, compressBatch } from "../node/codecs.ts";
import { BatchBuilder, patchProducer } from "./batch-builder.ts";
import { validateBatch } from "./batch-validation.ts";
import { patchBaseOffset, patchLeaderEpoch, readBatchHeader } from "./header.ts";
import type { RecordInput } from "./record.ts";

const RULES = { maxBytes: 1 << 20 };

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function batchOf(records: readonly RecordInput[]): Uint8Array {
  const builder = new BatchBuilder({ initialBytes: 64 });
  for (const record of records) builder.append(record);
  return builder.build();
}

const bytesArbitrary = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const recordArbitrary: fc.Arbitrary<RecordInput> = fc.record({
  key: bytesArbitrary,
  value: bytesArbitrary,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 12 }), value: bytesArbitrary }), {
    maxLength: 3,
  }),
  timestampMs: fc.oneof(
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
    fc.maxSafeInteger().map((value) => Math.abs(value) % 2 ** 51),
    fc.constant(-1),
  ),
});

describe("a record batch", () => {
  test("has exactly these bytes", () => {
    const builder = new BatchBuilder({ producerId: 4711, producerEpoch: 3, baseSequence: 258 });
    builder.append({
      key: encodeUtf8("k1"),
      value: encodeUtf8("hello"),
      timestampMs: 1_700_000_000_000,
    });
    builder.append({
      key: null,
      value: null,
      headers: [{ key: "h", value: encodeUtf8("v") }],
      timestampMs: 1_700_000_000_130,
    });
    const batch = builder.build();
    patchBaseOffset(batch, 0, 4_294_967_298);
    patchLeaderEpoch(batch, 0, 7);
    expect(hex(batch)).toBe(
      [
        "0000000100000002", // base offset 2^32 + 2
        "0000004b", // 75 bytes follow
        "00000007", // leader epoch
        "02", // magic
        "d6f7f289", // crc32c of all below
        "0000", // attributes
        "00000001", // last offset delta
        "0000018bcfe56800", // base timestamp
        "0000018bcfe56882", // max timestamp
        "0000000000001267", // producer id
        "0003", // producer epoch
        "00000102", // base sequence
        "00000002", // records
        "1a", // 13 bytes
        "000000", // attributes, timestamp delta 0, offset delta 0
        "046b31", // key "k1"
        "0a68656c6c6f", // value "hello"
        "00", // no headers
        "16", // 11 bytes
        "00840202", // attributes, timestamp delta 130, offset delta 1
        "0101", // null key, null value
        "02", // one header
        "0268", // "h"
        "0276", // "v"
      ].join(""),
    );
  });

  test("comes back as it went in, whatever the records", () => {
    fc.assert(
      fc.property(fc.array(recordArbitrary, { minLength: 1, maxLength: 20 }), (records) => {
        const batch = batchOf(records);
        expect(validateBatch(batch, RULES)).toMatchObject({ ok: true });
        patchBaseOffset(batch, 0, 1000);
        const decoded = [...decodeBatch(batch)];
        expect(decoded).toHaveLength(records.length);
        for (const [index, record] of records.entries()) {
          expect(decoded[index]?.offset).toBe(1000 + index);
          expect(decoded[index]?.timestampMs).toBe(record.timestampMs);
          expect(decoded[index]?.key).toEqual(record.key);
          expect(decoded[index]?.value).toEqual(record.value);
          expect(decoded[index]?.headers).toEqual(record.headers);
        }
        const times = records.map((record) => record.timestampMs);
        expect(readBatchHeader(batch, 0).maxTimestamp).toBe(Math.max(...times));
      }),
    );
  });

  test.each(["gzip", "zstd"] as const)("comes back from %s", async (compression) => {
    expect(await loadCodec(compression)).toBe(true);
    await fc.assert(
      fc.asyncProperty(
        fc.array(recordArbitrary, { minLength: 1, maxLength: 20 }),
        async (records) => {
          const plain = batchOf(records);
          const batch = await compressBatch(plain, compression);
          expect(batch.length).toBeLessThanOrEqual(plain.length);
          expect(validateBatch(batch, RULES)).toMatchObject({ ok: true });
          expect([...decodeBatch(batch)]).toEqual([...decodeBatch(plain)]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test("gzip on another thread gives the same records", async () => {
    const plain = batchOf(
      Array.from({ length: 1000 }, (_, index) => ({
        key: encodeUtf8(`key-${index}`),
        value: encodeUtf8("x".repeat(100)),
        timestampMs: index,
      })),
    );
    const batch = await compressBatch(plain, "gzip");
    expect(batch.length).toBeLessThan(plain.length / 4);
    expect([...decodeBatch(batch)]).toEqual([...decodeBatch(plain)]);
  });

  test("patching offset and epoch leaves the checksum right", () => {
    const batch = batchOf([{ key: null, value: encodeUtf8("v"), timestampMs: 1 }]);
    patchBaseOffset(batch, 0, Number.MAX_SAFE_INTEGER);
    patchLeaderEpoch(batch, 0, 0x7fff_ffff);
    const validation = validateBatch(batch, RULES);
    expect(validation.ok && validation.header).toMatchObject({
      baseOffset: Number.MAX_SAFE_INTEGER,
      leaderEpoch: 0x7fff_ffff,
      producerId: -1,
      recordCount: 1,
    });
  });

  test("is closed at the size that the caller names", () => {
    const builder = new BatchBuilder();
    const record = { key: null, value: new Uint8Array(100), timestampMs: 5 };
    expect(builder.tryAppend(record, 200)).toBe(true);
    const before = builder.sizeBytes;
    expect(builder.tryAppend(record, 200)).toBe(false);
    expect(builder.sizeBytes).toBe(before);
    expect(builder.build()).toHaveLength(before);
  });

  test("encodes into memory that it is given, and out of it when that is too small", () => {
    const buffer = new Uint8Array(200).fill(0xee);
    const record = { key: null, value: encodeUtf8("v".repeat(50)), timestampMs: 1 };
    const builder = new BatchBuilder({ buffer });
    builder.append(record);
    const batch = builder.build();
    expect(batch.buffer).toBe(buffer.buffer);
    expect(batch).toEqual(batchOf([record]));
    const large = new BatchBuilder({ buffer });
    for (let count = 0; count < 9; count++) large.append(record);
    const grown = large.build();
    expect(grown.buffer).not.toBe(buffer.buffer);
    expect([...decodeBatch(grown)]).toHaveLength(9);
  });

  test("is numbered again with a right checksum", () => {
    const batch = batchOf([{ key: null, value: encodeUtf8("v"), timestampMs: 1 }]);
    patchProducer(batch, { producerId: 7, producerEpoch: 2, baseSequence: 40 });
    const validation = validateBatch(batch, RULES);
    expect(validation.ok && validation.header).toMatchObject({
      producerId: 7,
      producerEpoch: 2,
      baseSequence: 40,
    });
  });

  test("reset starts a new batch without touching the one handed over", () => {
    const builder = new BatchBuilder();
    builder.append({ key: null, value: encodeUtf8("first"), timestampMs: 1 });
    const first = builder.build();
    const copy = first.slice();
    builder.reset({ producerId: 1, producerEpoch: 0, baseSequence: 1 });
    builder.append({ key: null, value: encodeUtf8("second"), timestampMs: 2 });
    const second = builder.build();
    expect(first).toEqual(copy);
    expect(readBatchHeader(second, 0)).toMatchObject({ producerId: 1, baseSequence: 1 });
  });

  test("refuses a timestamp that is no whole number of milliseconds", () => {
    const builder = new BatchBuilder();
    expect(() => builder.append({ key: null, value: null, timestampMs: 1.5 })).toThrow(RangeError);
    expect(() => builder.append({ key: null, value: null, timestampMs: 2 ** 52 })).toThrow(
      RangeError,
    );
  });

  test("control and transactional bits and the broker's time pass through", () => {
    const builder = new BatchBuilder({
      producerId: 9,
      producerEpoch: 0,
      baseSequence: 0,
      isTransactional: true,
    });
    builder.append({ key: null, value: encodeUtf8("v"), timestampMs: 10 });
    const batch = builder.build();
    expect(readBatchHeader(batch, 0)).toMatchObject({ isTransactional: true, isControl: false });
    // Control, stamped by the broker; the checksum is not looked at here.
    batch[22] = (batch[22] ?? 0) | 0x28;
    batch[42] = 99; // Max timestamp 99.
    expect(readBatchHeader(batch, 0).isControl).toBe(true);
    expect([...decodeBatch(batch)][0]?.timestampMs).toBe(99);
  });
});

describe("openBatch", () => {
  test("never throws and never reads past the batch, whatever the bytes", () => {
    const plain = batchOf([
      { key: encodeUtf8("k"), value: encodeUtf8("value"), timestampMs: 5 },
      { key: null, value: null, headers: [{ key: "a", value: null }], timestampMs: 6 },
    ]);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(plain.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.nat(plain.length),
        (changes, cut) => {
          const bytes = plain.slice(0, cut % 3 === 0 ? cut : plain.length);
          for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
          const opened = openBatch(bytes);
          if (!opened.ok) return;
          let count = 0;
          while (opened.cursor.next()) {
            count++;
            opened.cursor.view();
            expect(opened.cursor.recordEnd).toBeLessThanOrEqual(opened.cursor.bytes.length);
          }
          expect(count).toBeLessThanOrEqual(plain.length);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
