import { expect, test } from "vitest";
import {
  BATCH_HEADER_BYTES,
  endOffsetOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  patchBaseOffset,
  patchLeaderEpoch,
  readBatchHeader,
  totalBytesOf,
} from "./header.ts";

/** A header in which every field has bytes of its own. */
const FIELDS = {
  baseOffset: 0x0001_0203_0405_06,
  batchLength: 0x11_12_13_14,
  leaderEpoch: 0x21_22_23_24,
  magic: 2,
  crc: 0xf1_f2_f3_f4,
  attributes: 0x00_31,
  lastOffsetDelta: 0x41_42_43_44,
  baseTimestamp: 0x0051_5253_5455_56,
  maxTimestamp: 0x0061_6263_6465_66,
  producerId: 0x0071_7273_7475_76,
  producerEpoch: 0x51_52,
  baseSequence: 0x61_62_63_64,
  recordCount: 0x71_72_73_74,
};

function headerBytes(at: number): Uint8Array {
  const bytes = new Uint8Array(at + BATCH_HEADER_BYTES + 3).fill(0xee);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(at, BigInt(FIELDS.baseOffset));
  view.setInt32(at + 8, FIELDS.batchLength);
  view.setInt32(at + 12, FIELDS.leaderEpoch);
  view.setUint8(at + 16, FIELDS.magic);
  view.setUint32(at + 17, FIELDS.crc);
  view.setInt16(at + 21, FIELDS.attributes);
  view.setInt32(at + 23, FIELDS.lastOffsetDelta);
  view.setBigInt64(at + 27, BigInt(FIELDS.baseTimestamp));
  view.setBigInt64(at + 35, BigInt(FIELDS.maxTimestamp));
  view.setBigInt64(at + 43, BigInt(FIELDS.producerId));
  view.setInt16(at + 51, FIELDS.producerEpoch);
  view.setInt32(at + 53, FIELDS.baseSequence);
  view.setInt32(at + 57, FIELDS.recordCount);
  return bytes;
}

test.each([0, 9])("every field is read from its place (batch at byte %i)", (at) => {
  const bytes = headerBytes(at);
  expect(readBatchHeader(bytes, at)).toEqual({
    ...FIELDS,
    compression: "gzip",
    isTransactional: true,
    isControl: true,
    totalBytes: FIELDS.batchLength + 12,
  });
  expect(totalBytesOf(bytes, at)).toBe(FIELDS.batchLength + 12);
  expect(endOffsetOf(bytes, at)).toBe(FIELDS.baseOffset + FIELDS.lastOffsetDelta + 1);
});

test("each attribute bit says one thing", () => {
  const bits = (attributes: number): readonly boolean[] => {
    const bytes = headerBytes(0);
    bytes[22] = attributes;
    return [isLogAppendTime(bytes, 0), isTransactional(bytes, 0), isControl(bytes, 0)];
  };
  expect(bits(0)).toEqual([false, false, false]);
  expect(bits(0x08)).toEqual([true, false, false]);
  expect(bits(0x10)).toEqual([false, true, false]);
  expect(bits(0x20)).toEqual([false, false, true]);
  expect(bits(0xc7)).toEqual([false, false, false]);
});

test("patching changes its own field alone, within its range", () => {
  const bytes = headerBytes(5);
  patchBaseOffset(bytes, 5, 2 ** 40 + 1);
  patchLeaderEpoch(bytes, 5, 0x7fff_ffff);
  expect(readBatchHeader(bytes, 5)).toMatchObject({
    ...FIELDS,
    baseOffset: 2 ** 40 + 1,
    leaderEpoch: 0x7fff_ffff,
  });
  patchLeaderEpoch(bytes, 5, -1);
  patchBaseOffset(bytes, 5, 0);
  expect(readBatchHeader(bytes, 5)).toMatchObject({ ...FIELDS, baseOffset: 0, leaderEpoch: -1 });
  for (const epoch of [-2, 0x8000_0000, 1.5]) {
    expect(() => patchLeaderEpoch(bytes, 5, epoch)).toThrow(/leader epoch/);
  }
  for (const offset of [-1, 2 ** 53, 0.5]) {
    expect(() => patchBaseOffset(bytes, 5, offset)).toThrow(/base offset/);
  }
});
