import type { Frame, FrameCodec, FrameDecoding, FrameKind } from "../ports/frame.ts";

const MAGIC = 0xf7;
const HEADER_BYTES = 40;
const KINDS: readonly FrameKind[] = ["data", "noop", "config", "command"];

/** FNV-1a: enough to see that bytes were changed. */
function checksum(bytes: Uint8Array, seed: number): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

/** A frame codec for tests: 40 bytes of header like the real one, with plain checksums. */
export const plainFrameCodec: FrameCodec = {
  create(fields): Frame {
    return { ...fields, byteLength: HEADER_BYTES + fields.payload.byteLength };
  },

  encode(group, frame) {
    const header = new Uint8Array(HEADER_BYTES);
    const view = new DataView(header.buffer);
    view.setUint8(0, MAGIC);
    view.setUint8(1, KINDS.indexOf(frame.kind));
    view.setUint32(4, frame.payload.byteLength);
    view.setUint32(12, checksum(frame.payload, 0));
    view.setUint32(16, frame.term);
    view.setUint32(20, frame.span);
    view.setBigUint64(24, BigInt(frame.index));
    view.setBigUint64(32, BigInt(frame.baseOffset));
    view.setUint32(8, checksum(header, group));
    return [header, frame.payload];
  },

  decode(group, bytes, position): FrameDecoding {
    if (bytes.length - position < HEADER_BYTES) return { ok: false, reason: "truncated" };
    const header = bytes.slice(position, position + HEADER_BYTES);
    const view = new DataView(header.buffer);
    if (view.getUint8(0) !== MAGIC) return { ok: false, reason: "bad-magic" };
    const expected = view.getUint32(8);
    view.setUint32(8, 0);
    if (checksum(header, group) !== expected) return { ok: false, reason: "bad-checksum" };
    const endPosition = position + HEADER_BYTES + view.getUint32(4);
    if (endPosition > bytes.length) return { ok: false, reason: "truncated" };
    const payload = bytes.subarray(position + HEADER_BYTES, endPosition);
    const kind = KINDS[view.getUint8(1)];
    if (kind === undefined || checksum(payload, 0) !== view.getUint32(12)) {
      return { ok: false, reason: "bad-checksum" };
    }
    const frame: Frame = {
      kind,
      term: view.getUint32(16),
      span: view.getUint32(20),
      index: Number(view.getBigUint64(24)),
      baseOffset: Number(view.getBigUint64(32)),
      payload,
      byteLength: endPosition - position,
    };
    return { ok: true, frame, endPosition };
  },
};
