import { describe, expect, test } from "vitest";
import {
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  readUint8,
  writeInt16,
  writeInt32,
  writeInt64,
} from "./integers.ts";
import { VARLONG_MAX, varintBytes, varlongBytes, writeVarint, writeVarlong } from "./varint.ts";

/** Protocol buffers' own definition, in integers without a limit. */
function zigzagBytes(value: number): readonly number[] {
  const wide = BigInt(value);
  let rest = wide >= 0n ? wide * 2n : -wide * 2n - 1n;
  const bytes: number[] = [];
  while (rest >= 128n) {
    bytes.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return [...bytes, Number(rest)];
}

/** Both sides of every power of two, positive and negative. */
function edges(bits: number): readonly number[] {
  const found = new Set<number>([0]);
  for (let bit = 0; bit <= bits; bit++) {
    for (const near of [2 ** bit - 1, 2 ** bit, 2 ** bit + 1]) found.add(near).add(-near);
  }
  return [...found].map((value) => value + 0);
}

const INT32 = edges(31).filter((value) => value >= -(2 ** 31) && value < 2 ** 31);
const LONG = edges(52).filter((value) => Math.abs(value) <= VARLONG_MAX);

describe("a varint", () => {
  test("has the bytes of protocol buffers, and as many as announced", () => {
    for (const value of INT32) {
      const bytes = new Uint8Array(8).fill(0xee);
      const wanted = zigzagBytes(value);
      expect(writeVarint(bytes, 1, value), `${value}`).toBe(1 + wanted.length);
      expect([...bytes.subarray(1, 1 + wanted.length)]).toEqual(wanted);
      expect(varintBytes(value)).toBe(wanted.length);
      expect([bytes[0], bytes[1 + wanted.length]]).toEqual([0xee, 0xee]);
    }
  });

  test("of 64 bits too", () => {
    for (const value of LONG) {
      const bytes = new Uint8Array(12).fill(0xee);
      const wanted = zigzagBytes(value);
      expect(writeVarlong(bytes, 1, value), `${value}`).toBe(1 + wanted.length);
      expect([...bytes.subarray(1, 1 + wanted.length)]).toEqual(wanted);
      expect(varlongBytes(value)).toBe(wanted.length);
    }
  });
});

describe("a fixed integer", () => {
  test("is big-endian, signed or not, and leaves its neighbours alone", () => {
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    for (const value of [...INT32, 2 ** 31, 2 ** 32 - 1]) {
      bytes.fill(0xee);
      writeInt32(bytes, 2, value);
      expect(readInt32(bytes, 2)).toBe(view.getInt32(2));
      expect(readUint32(bytes, 2)).toBe(view.getUint32(2));
      expect(readUint32(bytes, 2)).toBe(value >>> 0);
      writeInt16(bytes, 8, value);
      expect(readInt16(bytes, 8)).toBe(view.getInt16(8));
      expect(readInt16(bytes, 8)).toBe((value << 16) >> 16);
      expect([bytes[1], bytes[6], bytes[7], bytes[10]]).toEqual([0xee, 0xee, 0xee, 0xee]);
    }
  });

  test("of 64 bits is exact for every safe integer", () => {
    const bytes = new Uint8Array(12).fill(0xee);
    const view = new DataView(bytes.buffer);
    for (const value of [...edges(52), Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER]) {
      writeInt64(bytes, 2, value);
      expect(view.getBigInt64(2)).toBe(BigInt(value));
      expect(readInt64(bytes, 2)).toBe(value);
    }
    expect([bytes[1], bytes[10]]).toEqual([0xee, 0xee]);
  });

  test("past the end reads as 0", () => {
    expect([readUint8(Uint8Array.of(7), 0), readUint8(Uint8Array.of(7), 1)]).toEqual([7, 0]);
  });
});
