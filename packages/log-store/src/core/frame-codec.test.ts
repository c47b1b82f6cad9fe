import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dataFrame, plainFrame } from "../testing/frames.ts";
import { FRAME_HEADER_BYTES, type Frame } from "./frame.ts";
import {
  batchMatchesFrame,
  createFrame,
  decodeFrame,
  decodeFrameHeader,
  encodeFrame,
  writeFrameHeader,
} from "./frame-codec.ts";

const PLACE = { term: 3, index: 12, baseOffset: 40 };
const GROUP = 9;

/** Its fields, as an object that is no LogFrame. */
function plain({ kind, term, index, baseOffset, span, payload, byteLength }: Frame): Frame {
  return { kind, term, index, baseOffset, span, payload, byteLength };
}

function bytesOf(group: number, frame: Frame): Uint8Array {
  const [header, payload] = encodeFrame(group, frame);
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  return bytes;
}

const examples: readonly Frame[] = [
  dataFrame(PLACE, new Uint8Array(20).fill(5), [100, 101, 102]),
  plainFrame(PLACE, "noop"),
  plainFrame(PLACE, "config", Uint8Array.of(1, 2, 3)),
  plainFrame({ term: 0xffff_fffe, index: 2 ** 52, baseOffset: 2 ** 51 }, "command"),
];

describe("a frame", () => {
  test.each(examples)("of kind $kind is read back as it was", (frame) => {
    const decoded = decodeFrame(GROUP, bytesOf(GROUP, frame), 0);
    expect(decoded).toMatchObject({ ok: true, endPosition: frame.byteLength });
    if (!decoded.ok) return;
    const { kind, term, index, baseOffset, span } = decoded.frame;
    const fields = { kind, term, index, baseOffset, span };
    expect(frame).toMatchObject(fields);
    expect([...decoded.frame.payload]).toEqual([...frame.payload]);
  });

  test.each(examples)("of kind $kind fails in another group", (frame) => {
    const decoded = decodeFrame(GROUP + 1, bytesOf(GROUP, frame), 0);
    expect(decoded).toEqual({ ok: false, reason: "bad-checksum" });
  });

  test.each(examples)("of kind $kind fails when any one bit is flipped", (frame) => {
    const bytes = bytesOf(GROUP, frame);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const damaged = bytes.slice();
      damaged[bit >>> 3] = (damaged[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(decodeFrame(GROUP, damaged, 0).ok, `bit ${bit}`).toBe(false);
    }
  });

  test("is truncated when any of its end is missing", () => {
    const bytes = bytesOf(GROUP, plainFrame(PLACE, "config", Uint8Array.of(1, 2, 3)));
    for (let length = 0; length < bytes.length; length++) {
      const decoded = decodeFrame(GROUP, bytes.subarray(0, length), 0);
      expect(decoded).toEqual({ ok: false, reason: "truncated" });
    }
  });

  test("cannot be made of a batch that says something else", () => {
    const { payload } = dataFrame(PLACE, new Uint8Array(4), [1, 2]);
    const fields = { kind: "data", ...PLACE, span: 2, payload } as const;
    expect(() => createFrame(fields)).not.toThrow();
    expect(() => createFrame({ ...fields, term: 4 })).toThrow(/differs/);
    expect(() => createFrame({ ...fields, baseOffset: 41 })).toThrow(/differs/);
    expect(() => createFrame({ ...fields, span: 3 })).toThrow(/differs/);
    expect(() => createFrame({ ...fields, kind: "command" })).toThrow(/no offsets/);
  });

  test("whose span is not that of its kind, or whose numbers are not exact, is none", () => {
    const [data, noop] = [dataFrame(PLACE, new Uint8Array(4), [1]), plainFrame(PLACE, "noop")];
    const read = (frame: Frame, changes: Partial<Frame>) => {
      // Whatever was there before: every byte of a header is written.
      const bytes = new Uint8Array(FRAME_HEADER_BYTES).fill(0xff);
      writeFrameHeader(GROUP, { ...plain(frame), ...changes }, bytes, 0);
      expect([bytes[2], bytes[3]]).toEqual([0, 0]);
      return decodeFrameHeader(GROUP, bytes, 0);
    };
    expect(read(data, {}).ok).toBe(true);
    expect(read(noop, {}).ok).toBe(true);
    const refused = { ok: false, reason: "bad-length" };
    expect(read(data, { span: 0 })).toEqual(refused);
    expect(read(noop, { span: 1 })).toEqual(refused);
    expect(read(noop, { index: 2 ** 53 })).toEqual(refused);
    expect(read(noop, { baseOffset: 2 ** 53 })).toEqual(refused);
    expect(read(noop, { index: 2 ** 53 - 1, baseOffset: 2 ** 53 - 1 }).ok).toBe(true);
  });

  test("is held against its batch's header, which has 61 bytes", () => {
    const payload = new Uint8Array(61);
    const view = new DataView(payload.buffer);
    view.setBigInt64(0, 40n);
    view.setInt32(8, 49);
    view.setInt32(12, 3);
    view.setInt8(16, 2);
    const fields = { ...PLACE, span: 1, payload };
    expect(batchMatchesFrame(fields)).toBe(true);
    expect(batchMatchesFrame({ ...fields, payload: payload.subarray(0, 60) })).toBe(false);
    for (const other of [{ term: 4 }, { baseOffset: 39 }, { span: 2 }]) {
      expect(batchMatchesFrame({ ...fields, ...other })).toBe(false);
    }
    for (const position of [11, 16]) {
      const changed = payload.slice();
      changed[position] = 1;
      expect(batchMatchesFrame({ ...fields, payload: changed })).toBe(false);
    }
  });

  test("reading arbitrary bytes never throws and never reads past the end", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(220), (bytes, position) => {
        const decoded = decodeFrame(1, bytes, position);
        return !decoded.ok || decoded.endPosition <= bytes.length;
      }),
    );
  });
});
