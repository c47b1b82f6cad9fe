import { crc32c } from "@stratalog/record-batch";
import { uint32At } from "./byte-cursor.ts";

// LevelDB's log format, of its write-ahead log and its manifest: blocks of 32 KiB; records of a
// masked CRC-32C (4), a length (2), a type (1) and data; what no header fits into is zero.
const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;
const TYPES = { full: 1, first: 2, middle: 3, last: 4 } as const;

/** A place in a file where something is not as it was written. */
export interface LevelFinding {
  readonly file: string;
  readonly position: number;
  readonly reason: string;
}

/** The records of a log, and the first place at which one does not hold. */
export interface LevelLog {
  readonly records: readonly Uint8Array[];
  readonly flaw: { readonly position: number; readonly reason: string } | undefined;
}

/** LevelDB stores checksums of bytes that may hold checksums: this keeps the two apart. */
export function unmaskedCrc(stored: number): number {
  const rotated = (stored - 0xa282ead8) >>> 0;
  return ((rotated >>> 17) | (rotated << 15)) >>> 0;
}

/** Reads a log up to its end or its first flaw, which at the very end may be a torn write. */
export function readLevelLog(bytes: Uint8Array): LevelLog {
  const records: Uint8Array[] = [];
  let pieces: Uint8Array[] = [];
  let position = 0;
  const flawed = (reason: string): LevelLog => ({ records, flaw: { position, reason } });
  while (position < bytes.length) {
    const blockEnd = Math.min(bytes.length, blockEndAfter(position));
    if (blockEnd - position < HEADER_BYTES) {
      if (bytes.subarray(position, blockEnd).some((byte) => byte !== 0)) {
        return flawed("the end of a block is not empty");
      }
      position = blockEnd;
      continue;
    }
    const length = (bytes[position + 4] ?? 0) + (bytes[position + 5] ?? 0) * 256;
    const end = position + HEADER_BYTES + length;
    if (end > blockEndAfter(position)) return flawed("a record reaches beyond its block");
    if (end > bytes.length) return flawed("a record is not all there");
    const crc = crc32c(bytes, position + 6, end);
    if (crc !== unmaskedCrc(uint32At(bytes, position))) {
      return flawed("a record fails its checksum");
    }
    const type = bytes[position + 6] ?? 0;
    const data = bytes.subarray(position + HEADER_BYTES, end);
    const isFirst = type === TYPES.full || type === TYPES.first;
    if (type < TYPES.full || type > TYPES.last || isFirst !== (pieces.length === 0)) {
      return flawed(`a record of type ${type} where none may be`);
    }
    pieces.push(data);
    if (type === TYPES.full || type === TYPES.last) {
      records.push(Buffer.concat(pieces));
      pieces = [];
    }
    position = end;
  }
  if (pieces.length > 0) return flawed("the last record is not all there");
  return { records, flaw: undefined };
}

function blockEndAfter(position: number): number {
  return (Math.floor(position / BLOCK_BYTES) + 1) * BLOCK_BYTES;
}
