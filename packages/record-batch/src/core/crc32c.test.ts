import { encodeUtf8 } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadNativeCrc32c } from "../node/native-crc32c.ts";
import { crc32c, crc32cPortable, useNativeCrc32c } from "./crc32c.ts";

describe("crc32c", () => {
  // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
  test.each([
    ["123456789", encodeUtf8("123456789"), 0xe3069283],
    ["32 zeros", new Uint8Array(32), 0x8a9136aa],
    ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
    ["ascending", Uint8Array.from({ length: 32 }, (_, byte) => byte), 0x46dd794e],
    ["descending", Uint8Array.from({ length: 32 }, (_, byte) => 31 - byte), 0x113fdb5c],
    ["nothing", new Uint8Array(0), 0],
  ])("knows the answer for %s", (_name, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
    expect(crc32cPortable(bytes, 0, bytes.length, 0)).toBe(expected);
  });

  test("asks a faster implementation about what is long, and only that", () => {
    const asked: number[] = [];
    useNativeCrc32c((bytes, start, end, seed) => {
      asked.push(end - start);
      return crc32cPortable(bytes, start, end, seed);
    });
    const bytes = Uint8Array.from({ length: 600 }, (_, byte) => byte & 0xff);
    expect(crc32c(bytes)).toBe(crc32cPortable(bytes, 0, 600, 0));
    expect(crc32c(bytes, 100, 200)).toBe(crc32cPortable(bytes, 100, 200, 0));
    expect(asked).toEqual([600]);
  });

  test("goes on from the checksum of what came before", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), fc.nat(2000), (bytes, cut) => {
        const middle = Math.min(cut, bytes.length);
        const front = crc32c(bytes, 0, middle);
        expect(crc32c(bytes, middle, bytes.length, front)).toBe(crc32c(bytes));
      }),
    );
  });

  test("native and portable code agree on every range", () => {
    const native = loadNativeCrc32c();
    if (native === undefined) {
      // Nothing to compare on a machine without the binary; the known answers above still hold.
      expect(crc32c(encodeUtf8("123456789"))).toBe(0xe3069283);
      return;
    }
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 1500 }),
        fc.nat(1500),
        fc.nat(1500),
        fc.integer({ min: 0, max: 0xffffffff }),
        (bytes, a, b, seed) => {
          const start = Math.min(a, b) % bytes.length;
          const end = Math.max(start, Math.max(a, b) % (bytes.length + 1));
          expect(native(bytes, start, end, seed)).toBe(crc32cPortable(bytes, start, end, seed));
        },
      ),
    );
  });

  test("refuses a range outside the array", () => {
    expect(() => crc32c(new Uint8Array(4), 2, 5)).toThrow(RangeError);
    expect(() => crc32c(new Uint8Array(4), 3, 2)).toThrow(RangeError);
  });
});
