import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";

describe("ByteReader", () => {
  it("reads back every safe whole number and every block that a ByteWriter wrote", () => {
    const numbers = fc.array(fc.maxSafeNat());
    fc.assert(
      fc.property(numbers, fc.uint8Array({ maxLength: 600 }), (values, block) => {
        const writer = new ByteWriter(1);
        for (const value of values) writer.varint(value);
        const reader = new ByteReader(writer.block(block).uint8(7).finish());
        expect(values.map(() => reader.varint())).toEqual(values);
        expect([...reader.block()]).toEqual([...block]);
        expect([reader.uint8(), reader.ok, reader.remaining]).toEqual([7, true, 0]);
      }),
    );
  });

  it("never throws nor reads past the end of arbitrary bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const reader = new ByteReader(bytes);
        for (let i = 0; i < 10; i++) {
          reader.block();
          reader.varint();
        }
        expect(reader.position).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });

  it("stays failed after a read past the end", () => {
    const reader = new ByteReader(new Uint8Array([1]));
    expect([reader.bytes(2).length, reader.ok]).toEqual([0, false]);
    expect([reader.uint8(), reader.ok]).toEqual([1, false]);
  });

  it("refuses a number of 2^53 and more", () => {
    const tooLarge = new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]);
    const reader = new ByteReader(tooLarge);
    expect([reader.varint(), reader.ok]).toEqual([0, false]);
  });
});
