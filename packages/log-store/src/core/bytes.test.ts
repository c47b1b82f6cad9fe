import fc from "fast-check";
import { expect, test } from "vitest";
import {
  alignUp,
  mergeSmallParts,
  readUint16,
  readUint32,
  readUint64,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./bytes.ts";

const EDGES = [0, 1, 0xff, 0x100, 0xffff, 0x1_0000, 0x8000_0000, 0xffff_ffff];
const LONG_EDGES = [...EDGES, 0x1_0000_0000, 0x1_0000_0001, Number.MAX_SAFE_INTEGER];

test("integers are big-endian, and those beside them are left alone", () => {
  for (const value of LONG_EDGES) {
    const bytes = new Uint8Array(12).fill(0xaa);
    const view = new DataView(bytes.buffer);
    writeUint64(bytes, 2, value);
    expect(view.getBigUint64(2)).toBe(BigInt(value));
    expect(readUint64(bytes, 2)).toBe(value);
    if (value <= 0xffff_ffff) {
      writeUint32(bytes, 2, value);
      expect([view.getUint32(2), readUint32(bytes, 2)]).toEqual([value, value]);
    }
    if (value <= 0xffff) {
      writeUint16(bytes, 2, value);
      expect([view.getUint16(2), readUint16(bytes, 2)]).toEqual([value, value]);
    }
    expect([bytes[0], bytes[1], bytes[10], bytes[11]]).toEqual([0xaa, 0xaa, 0xaa, 0xaa]);
  }
});

test("alignment gives the next multiple, and a multiple itself", () => {
  expect([0, 1, 511, 512, 513].map((value) => alignUp(value, 512))).toEqual([
    0, 512, 512, 512, 1024,
  ]);
});

test("merging keeps the bytes and their order, passes large parts on and leaves none of two small neighbours", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12)), (sizes) => {
      const parts = sizes.map((size, at) => new Uint8Array(size).fill(at));
      const merged = mergeSmallParts(parts, 6);
      expect(merged.flatMap((part) => [...part])).toEqual(parts.flatMap((part) => [...part]));
      const large: readonly Uint8Array[] = parts.filter((part) => part.length >= 6);
      expect(merged.filter((part) => large.includes(part))).toEqual(large);
      const isMergeable = (part: Uint8Array | undefined): boolean =>
        part !== undefined && !large.includes(part);
      merged.forEach((part, at) => {
        expect(isMergeable(part) && isMergeable(merged[at + 1])).toBe(false);
      });
    }),
  );
  const single = [Uint8Array.of(1), new Uint8Array(9), Uint8Array.of(2)];
  expect(mergeSmallParts(single, 6).every((part, at) => part === single[at])).toBe(true);
});
