import { encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchBuilder, type BatchBuilderOptions } from "./batch-builder.ts";
import { validateBatch } from "./batch-validation.ts";
import { crc32c } from "./crc32c.ts";
import { writeInt32 } from "./integers.ts";

const RULES = { maxBytes: 1000 };

function batch(options: BatchBuilderOptions = {}, count = 2): Uint8Array {
  const builder = new BatchBuilder(options);
  for (let index = 0; index < count; index++) {
    builder.append({ key: null, value: encodeUtf8("v"), timestampMs: 1 });
  }
  return builder.build();
}

/** Changes bytes and makes the checksum right again: what a wrong client would send. */
function forged(change: (bytes: Uint8Array) => void, options: BatchBuilderOptions = {}) {
  const bytes = batch(options);
  change(bytes);
  writeInt32(bytes, 17, crc32c(bytes, 21));
  return bytes;
}

describe("validateBatch", () => {
  test("takes a good batch and shows its header", () => {
    const result = validateBatch(batch(), RULES);
    expect(result.ok && result.header.recordCount).toBe(2);
  });

  test.each<[string, Uint8Array, string]>([
    ["nothing", new Uint8Array(0), "CORRUPT_BATCH"],
    ["half a header", batch().subarray(0, 40), "CORRUPT_BATCH"],
    ["a batch that is cut", batch().subarray(0, 65), "CORRUPT_BATCH"],
    ["two batches", new Uint8Array([...batch(), ...batch()]), "CORRUPT_BATCH"],
    ["too many bytes", batch({}, 200), "MESSAGE_TOO_LARGE"],
    ["magic 1", forged((b) => b.fill(1, 16, 17)), "CORRUPT_BATCH"],
    ["snappy", forged((b) => b.fill(2, 22, 23)), "UNSUPPORTED_COMPRESSION"],
    ["codec 7", forged((b) => b.fill(7, 22, 23)), "UNSUPPORTED_COMPRESSION"],
    ["a control batch", forged((b) => b.fill(0x20, 22, 23)), "INVALID_REQUEST"],
    ["no records", forged((b) => writeInt32(b, 57, 0)), "CORRUPT_BATCH"],
    [
      "no records, and a delta that says so",
      forged((b) => {
        writeInt32(b, 57, 0);
        writeInt32(b, 23, -1);
      }),
      "CORRUPT_BATCH",
    ],
    ["a count that is not the delta's", forged((b) => writeInt32(b, 23, 2)), "CORRUPT_BATCH"],
    [
      "more records than bytes can hold",
      forged((b) => {
        writeInt32(b, 57, 1_000_000);
        writeInt32(b, 23, 999_999);
      }),
      "CORRUPT_BATCH",
    ],
    ["a transaction of nobody", batch({ isTransactional: true }), "INVALID_REQUEST"],
    ["producer −2", batch({ producerId: -2 }), "INVALID_REQUEST"],
    [
      "a producer without a sequence",
      batch({ producerId: 5, producerEpoch: 0 }),
      "INVALID_REQUEST",
    ],
    ["a producer without an epoch", batch({ producerId: 5, baseSequence: 0 }), "INVALID_REQUEST"],
  ])("refuses %s", (_name, bytes, code) => {
    const result = validateBatch(bytes, RULES);
    expect(result).toMatchObject({ ok: false, code });
  });

  test("takes a batch of as many records as are allowed, compressed or not, and none of more", () => {
    for (const bytes of [batch({}, 5), forged((b) => b.fill(1, 22, 23), {})]) {
      const count = bytes.length > 80 ? 5 : 2;
      const rules = (maxRecords: number) => ({ ...RULES, maxRecords });
      expect(validateBatch(bytes, rules(count))).toMatchObject({ ok: true });
      const refused = validateBatch(bytes, rules(count - 1));
      expect(refused).toMatchObject({ ok: false, code: "MESSAGE_TOO_LARGE" });
    }
  });

  test("takes a batch of exactly the largest size, and one that begins later in its bytes", () => {
    const good = batch();
    expect(validateBatch(good, { maxBytes: good.length }).ok).toBe(true);
    expect(validateBatch(good, { maxBytes: good.length - 1 })).toMatchObject({
      code: "MESSAGE_TOO_LARGE",
    });
    const later = new Uint8Array([9, 9, 9, ...good]);
    expect(validateBatch(later, { maxBytes: good.length, position: 3 }).ok).toBe(true);
    expect(validateBatch(later, { maxBytes: good.length, position: 4 }).ok).toBe(false);
    expect(validateBatch(good.subarray(0, 61), RULES)).toMatchObject({ code: "CORRUPT_BATCH" });
  });

  test("lets a log have control batches", () => {
    const marker = forged((b) => b.fill(0x20, 22, 23), { producerId: 1, producerEpoch: 0 });
    expect(validateBatch(marker, { ...RULES, controlBatches: "accept" }).ok).toBe(true);
  });

  test("sees every flipped bit of what the checksum covers, and of magic and length", () => {
    const good = batch({ producerId: 4, producerEpoch: 1, baseSequence: 2 });
    fc.assert(
      fc.property(fc.integer({ min: 8, max: good.length - 1 }), fc.nat(7), (at, bit) => {
        if (at >= 12 && at < 16) return; // The leader epoch is the broker's to patch.
        const bytes = good.slice();
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(validateBatch(bytes, RULES).ok).toBe(false);
      }),
    );
  });

  test("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(typeof validateBatch(bytes, RULES).ok).toBe("boolean");
      }),
    );
  });
});
