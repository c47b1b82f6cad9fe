import { assert } from "@stratalog/base";
import {
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  baseOffsetOf,
  crc32c,
  crcOf,
  lastOffsetDeltaOf,
  leaderEpochOf,
  magicOf,
  totalBytesOf,
} from "@stratalog/record-batch";
import { readUint32, readUint64, writeUint32, writeUint64 } from "./bytes.ts";
import {
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  type Frame,
  type FrameFields,
  type FrameKind,
  LogFrame,
} from "./frame.ts";

// Frame header, big-endian:
//
//   0  1  magic 0xC7                      12  4  payload CRC-32C; for data the batch's own
//   1  1  type: 1 data, 2 no-op,          16  4  term
//         3 config, 4 command             20  4  span
//   2  2  flags, 0                        24  8  index
//   4  4  payload length                  32  8  base offset
//   8  4  CRC-32C of [0, 8) and [12, 40), seeded with the group's number
//
// The 21 bytes of a batch that its checksum leaves out (offset, length, epoch, magic, the checksum
// itself) all have a twin in the frame header, and are compared with it.
const MAGIC = 0xc7;
const CRC_POSITION = 8;
const BATCH_CRC_START = 21;

const TYPE_OF_KIND: Record<FrameKind, number> = { data: 1, noop: 2, config: 3, command: 4 };
const KIND_OF_TYPE: readonly (FrameKind | undefined)[] = [
  undefined,
  "data",
  "noop",
  "config",
  "command",
];

/** What reading a frame gives. */
export type FrameDecoding =
  | { readonly ok: true; readonly frame: LogFrame; readonly endPosition: number }
  | {
      readonly ok: false;
      readonly reason: "truncated" | "bad-magic" | "bad-checksum" | "bad-length";
    };

/** A frame's header without its payload: what a scan of a segment needs. */
export interface FrameHeader {
  readonly kind: FrameKind;
  readonly term: number;
  readonly index: number;
  readonly baseOffset: number;
  readonly span: number;
  readonly payloadBytes: number;
  readonly payloadCrc: number;
}

/** What reading a frame header gives. */
export type FrameHeaderDecoding =
  | { readonly ok: true; readonly header: FrameHeader }
  | {
      readonly ok: false;
      readonly reason: "truncated" | "bad-magic" | "bad-checksum" | "bad-length";
    };

const TRUNCATED = { ok: false, reason: "truncated" } as const;
const BAD_MAGIC = { ok: false, reason: "bad-magic" } as const;
const BAD_CHECKSUM = { ok: false, reason: "bad-checksum" } as const;
const BAD_LENGTH = { ok: false, reason: "bad-length" } as const;

function headerCrc(group: number, bytes: Uint8Array, position: number): number {
  const first = crc32c(bytes, position, position + CRC_POSITION, group);
  return crc32c(bytes, position + CRC_POSITION + 4, position + FRAME_HEADER_BYTES, first);
}

function payloadCrcOf(frame: Frame): number {
  return frame.kind === "data" ? crcOf(frame.payload, 0) : crc32c(frame.payload);
}

/**
 * Whether a data frame's header and the batch's own fields say the same. The batch's checksum is
 * not looked at.
 */
export function batchMatchesFrame(frame: Omit<FrameFields, "kind">): boolean {
  const { payload } = frame;
  return (
    payload.length >= BATCH_HEADER_BYTES &&
    totalBytesOf(payload, 0) === payload.length &&
    magicOf(payload, 0) === BATCH_MAGIC &&
    baseOffsetOf(payload, 0) === frame.baseOffset &&
    leaderEpochOf(payload, 0) === frame.term &&
    lastOffsetDeltaOf(payload, 0) + 1 === frame.span
  );
}

/**
 * Makes a frame. A data payload must be a whole batch whose base offset, leader epoch and span are
 * the frame's: patching them is the caller's, before.
 */
export function createFrame(fields: FrameFields): LogFrame {
  assert(fields.payload.length <= FRAME_PAYLOAD_BYTES_MAX, "frame payload too large");
  if (fields.kind === "data") {
    assert(batchMatchesFrame(fields), `batch of frame ${fields.index} differs from its frame`);
  } else {
    assert(fields.span === 0, `a ${fields.kind} frame takes no offsets`);
  }
  return new LogFrame(fields);
}

/** Writes a frame's header at a position of `target`. */
export function writeFrameHeader(
  group: number,
  frame: Frame,
  target: Uint8Array,
  position: number,
): void {
  target[position] = MAGIC;
  target[position + 1] = TYPE_OF_KIND[frame.kind];
  target[position + 2] = 0;
  target[position + 3] = 0;
  writeUint32(target, position + 4, frame.payload.length);
  writeUint32(target, position + 12, payloadCrcOf(frame));
  writeUint32(target, position + 16, frame.term);
  writeUint32(target, position + 20, frame.span);
  writeUint64(target, position + 24, frame.index);
  writeUint64(target, position + 32, frame.baseOffset);
  writeUint32(target, position + CRC_POSITION, headerCrc(group, target, position));
}

/** The frame's encoded header, made once per frame and group. */
export function frameHeaderBytes(group: number, frame: Frame): Uint8Array {
  if (frame instanceof LogFrame && frame.headerGroup === group && frame.header !== undefined) {
    return frame.header;
  }
  const header = new Uint8Array(FRAME_HEADER_BYTES);
  writeFrameHeader(group, frame, header, 0);
  if (frame instanceof LogFrame) {
    frame.header = header;
    frame.headerGroup = group;
  }
  return header;
}

/** Header and payload for a vectored write, without a copy of the payload. */
export function encodeFrame(
  group: number,
  frame: Frame,
): readonly [header: Uint8Array, payload: Uint8Array] {
  return [frameHeaderBytes(group, frame), frame.payload];
}

/** Reads and checks the frame header at `position`. Never throws and never reads past the end. */
export function decodeFrameHeader(
  group: number,
  bytes: Uint8Array,
  position: number,
): FrameHeaderDecoding {
  if (position < 0 || bytes.length - position < FRAME_HEADER_BYTES) return TRUNCATED;
  if (bytes[position] !== MAGIC) return BAD_MAGIC;
  const stored = readUint32(bytes, position + CRC_POSITION);
  if (stored !== headerCrc(group, bytes, position)) return BAD_CHECKSUM;
  const kind = KIND_OF_TYPE[bytes[position + 1] as number];
  const payloadBytes = readUint32(bytes, position + 4);
  const span = readUint32(bytes, position + 20);
  const index = readUint64(bytes, position + 24);
  const baseOffset = readUint64(bytes, position + 32);
  const isSane =
    kind !== undefined &&
    payloadBytes <= FRAME_PAYLOAD_BYTES_MAX &&
    Number.isSafeInteger(index) &&
    Number.isSafeInteger(baseOffset) &&
    (kind === "data" ? span > 0 : span === 0);
  if (!isSane) return BAD_LENGTH;
  return {
    ok: true,
    header: {
      kind,
      term: readUint32(bytes, position + 16),
      index,
      baseOffset,
      span,
      payloadBytes,
      payloadCrc: readUint32(bytes, position + 12),
    },
  };
}

/** Whether a payload is the one that its frame header was made for. */
export function payloadIsIntact(header: FrameHeader, payload: Uint8Array): boolean {
  if (header.kind !== "data") return crc32c(payload) === header.payloadCrc;
  return (
    batchMatchesFrame({ ...header, payload }) &&
    crcOf(payload, 0) === header.payloadCrc &&
    crc32c(payload, BATCH_CRC_START) === header.payloadCrc
  );
}

/**
 * Reads the frame at `position`. The payload is a view of `bytes`. Verifies the header's checksum,
 * seeded with the group, and the payload's. Never throws and never reads past the end.
 */
export function decodeFrame(group: number, bytes: Uint8Array, position: number): FrameDecoding {
  const decoded = decodeFrameHeader(group, bytes, position);
  if (!decoded.ok) return decoded;
  const { header } = decoded;
  const payloadStart = position + FRAME_HEADER_BYTES;
  const endPosition = payloadStart + header.payloadBytes;
  if (endPosition > bytes.length) return TRUNCATED;
  const payload = bytes.subarray(payloadStart, endPosition);
  if (!payloadIsIntact(header, payload)) return BAD_CHECKSUM;
  const frame = new LogFrame({ ...header, payload });
  frame.header = bytes.subarray(position, payloadStart);
  frame.headerGroup = group;
  return { ok: true, frame, endPosition };
}

/** Frames to bytes and back, in the shape of raft-host's port. */
export const frameCodec = {
  create: createFrame,
  encode: encodeFrame,
  decode: decodeFrame,
} as const;
