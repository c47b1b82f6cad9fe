import { expect, test } from "vitest";
import { rollReason } from "./roll-policy.ts";

const segment = {
  sizeBytes: 900,
  baseIndex: 10,
  baseOffset: 20,
  createdMs: 1_000,
  indexRows: 3,
  isEmpty: false,
};
const next = { index: 15, endOffset: 40, byteLength: 100 };
const limits = { segmentBytes: 1_000, segmentMs: 500, indexRowsMax: 4, nowMs: 1_499 };

test("a frame that just fits does not roll, and each limit does when it is passed", () => {
  expect(rollReason(segment, next, limits)).toBeUndefined();
  expect(rollReason(segment, { ...next, byteLength: 101 }, limits)).toBe("size");
  expect(rollReason({ ...segment, indexRows: 4 }, next, limits)).toBe("index-full");
  expect(rollReason(segment, next, { ...limits, nowMs: 1_500 })).toBe("age");
  const never = { ...limits, segmentMs: undefined, nowMs: 1e12 };
  expect(rollReason(segment, next, never)).toBeUndefined();
});

test("what an index cannot count rolls, by index and by offset", () => {
  const far = 0xffff_ffff;
  const wide = { ...limits, segmentBytes: 2 ** 40 };
  expect(rollReason(segment, { ...next, index: 10 + far }, wide)).toBeUndefined();
  expect(rollReason(segment, { ...next, index: 11 + far }, wide)).toBe("range");
  expect(rollReason(segment, { ...next, endOffset: 20 + far }, wide)).toBeUndefined();
  expect(rollReason(segment, { ...next, endOffset: 21 + far }, wide)).toBe("range");
  expect(rollReason({ ...segment, sizeBytes: far }, next, wide)).toBe("size");
});

test("an empty segment takes any frame", () => {
  const huge = { index: 2 ** 50, endOffset: 2 ** 50, byteLength: 2 ** 40 };
  expect(rollReason({ ...segment, isEmpty: true }, huge, limits)).toBeUndefined();
});
