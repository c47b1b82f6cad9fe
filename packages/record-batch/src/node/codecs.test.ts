import { encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BatchBuilder } from "../core/batch-builder.ts";
import { replaceRecords } from "../core/codec.ts";
import { zstdContentSize } from "../core/zstd-frame.ts";
import { compressBatch, decodeBatch, loadCodec, openBatch } from "./codecs.ts";
import { gzipCodec } from "./gzip.ts";
import { loadWasmZstd } from "./zstd.ts";

function zeros(sizeBytes: number): Uint8Array {
  const builder = new BatchBuilder();
  builder.append({ key: null, value: new Uint8Array(sizeBytes), timestampMs: 1 });
  return builder.build();
}

describe("codecs", () => {
  test.each(["gzip", "zstd"] as const)("%s output stops at the cap", async (compression) => {
    await loadCodec(compression);
    const bomb = await compressBatch(zeros(4 * 1024 * 1024), compression);
    expect(bomb.length).toBeLessThan(32_768);
    expect(openBatch(bomb, { maxDecompressedBytes: 1024 * 1024 })).toMatchObject({
      ok: false,
      code: "MESSAGE_TOO_LARGE",
    });
    expect(openBatch(bomb).ok).toBe(true);
  });

  test("a zstd frame that does not say its size is read up to the cap", async () => {
    const codec = await loadWasmZstd();
    if (codec === undefined) throw new Error("the optional zstd is installed in this workspace");
    const known = codec.compress(encodeUtf8("hello hello hello hello"));
    expect(zstdContentSize(known)).toEqual({ kind: "known", bytes: 23 });
    // The same frame with a window instead of a size: single-segment bit and size field off, window
    // byte in.
    const unknown = new Uint8Array([...known.subarray(0, 4), 0, 0x50, ...known.subarray(6)]);
    expect(zstdContentSize(unknown)).toEqual({ kind: "unknown" });
    const result = codec.decompress(unknown, 1000);
    expect(result.ok && Buffer.from(result.bytes).toString()).toBe("hello hello hello hello");
    expect(codec.decompress(unknown, 10)).toMatchObject({ ok: false, code: "MESSAGE_TOO_LARGE" });
  });

  test("a zstd frame that claims gigabytes is refused before memory is taken", async () => {
    const codec = await loadWasmZstd();
    if (codec === undefined) throw new Error("the optional zstd is installed in this workspace");
    const frame = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0]);
    expect(codec.decompress(frame, 1 << 30)).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
  });

  test.each(["gzip", "zstd"] as const)(
    "damaged %s is a value, not a crash",
    async (compression) => {
      await loadCodec(compression);
      const good = await compressBatch(zeros(5000), compression);
      fc.assert(
        fc.property(fc.integer({ min: 61, max: good.length - 1 }), fc.nat(255), (at, byte) => {
          const bytes = good.slice();
          bytes[at] = byte;
          const opened = openBatch(bytes, { maxDecompressedBytes: 100_000 });
          expect(typeof opened.ok).toBe("boolean");
        }),
      );
    },
  );

  test("an unknown codec is named in the refusal", () => {
    const bytes = zeros(10);
    bytes[22] = 3;
    expect(openBatch(bytes)).toMatchObject({ ok: false, code: "UNSUPPORTED_COMPRESSION" });
    expect(() => [...decodeBatch(bytes)]).toThrow("lz4");
  });

  test("compressing to lz4 is refused, not ignored", async () => {
    await expect(compressBatch(zeros(10), "lz4")).rejects.toMatchObject({
      code: "UNSUPPORTED_COMPRESSION",
    });
  });

  test("gzip records under the header of their batch", () => {
    const plain = zeros(1000);
    const packed = replaceRecords(plain, "gzip", gzipCodec.compress(plain.subarray(61)));
    expect([...decodeBatch(packed)]).toEqual([...decodeBatch(plain)]);
  });
});
