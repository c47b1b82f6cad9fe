import { crc32c } from "@stratalog/record-batch";
import {
  readUint16,
  readUint32,
  readUint64,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./bytes.ts";

// Segment file: this header, then frames. 64 bytes, big-endian.
//
//   0  4  magic "SSEG"          24  8  base index: of the first frame
//   4  2  version 1             32  8  base offset of the first frame
//   6  2  zero                  40  8  identity: tells a segment from an earlier one of the same
// name
//   8  4  group                 48  8  wall clock at creation, ms since 1970
//  12  4  zero                  56  4  zero
//  16  8  replica epoch         60  4  CRC-32C of [0, 60)
const MAGIC = 0x53534547;
const VERSION = 1;

/** Bytes of a segment file before its first frame. */
export const SEGMENT_HEADER_BYTES = 64;
/** Positions in a segment are 32 bits in its index. */
export const SEGMENT_BYTES_MAX = 0xffff_ffff;

/** What a segment file says of itself. */
export interface SegmentHeader {
  readonly group: number;
  readonly replicaEpoch: number;
  readonly baseIndex: number;
  readonly baseOffset: number;
  readonly identity: number;
  readonly createdMs: number;
}

/** The encoded header. */
export function encodeSegmentHeader(header: SegmentHeader): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  writeUint32(bytes, 0, MAGIC);
  writeUint16(bytes, 4, VERSION);
  writeUint32(bytes, 8, header.group);
  writeUint64(bytes, 16, header.replicaEpoch);
  writeUint64(bytes, 24, header.baseIndex);
  writeUint64(bytes, 32, header.baseOffset);
  writeUint64(bytes, 40, header.identity);
  writeUint64(bytes, 48, header.createdMs);
  writeUint32(bytes, 60, crc32c(bytes, 0, 60));
  return bytes;
}

/** The header of a segment file, or undefined when it does not hold. */
export function decodeSegmentHeader(bytes: Uint8Array): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || readUint32(bytes, 0) !== MAGIC) return undefined;
  if (readUint32(bytes, 60) !== crc32c(bytes, 0, 60)) return undefined;
  if (readUint16(bytes, 4) !== VERSION) return undefined;
  return {
    group: readUint32(bytes, 8),
    replicaEpoch: readUint64(bytes, 16),
    baseIndex: readUint64(bytes, 24),
    baseOffset: readUint64(bytes, 32),
    identity: readUint64(bytes, 40),
    createdMs: readUint64(bytes, 48),
  };
}
