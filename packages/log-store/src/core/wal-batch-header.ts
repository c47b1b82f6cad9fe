import { crc32c } from "@stratalog/record-batch";
import {
  readUint16,
  readUint32,
  readUint64,
  writeUint16,
  writeUint32,
  writeUint64,
} from "./bytes.ts";

// WAL batch header, 64 bytes, big-endian, always at a multiple of 512 in its file:
//
//   0  4  magic "SWAL"                        32  8  number of records
//   4  2  version 1                           40  8  replayFrom: recovery must begin there
//   6  2  flags: 1 head of a file, 2 seal     48  4  bytes of the table, head records first
//   8  8  life: number of the file            52  4  bytes of the payloads after the table
//  16  8  batch number, never used twice      56  4  CRC-32C of the table, seeded with the life
//  24  8  syncedThrough: known durable then   60  4  CRC-32C of [0, 60), seeded with the life
//
// A recycled file keeps the bytes of its former lives: the life in both checksums keeps those from
// ever validating.
const MAGIC = 0x5357414c;
const VERSION = 1;
const HEAD_FLAG = 1;
const SEAL_FLAG = 2;

/** Bytes of a WAL batch before its record table. */
export const WAL_BATCH_HEADER_BYTES = 64;
/** Batches begin at multiples of this, so that a search for the next one after damage is cheap. */
export const WAL_ALIGNMENT_BYTES = 512;

/** What a batch says about itself. Batch numbers grow by one across all files. */
export interface WalBatchHeader {
  readonly life: number;
  readonly batch: number;
  /** Every batch up to this one was synced before this batch was written. */
  readonly syncedThrough: number;
  /** Batches below this one are no longer needed; always the number of a head. */
  readonly replayFrom: number;
  readonly recordCount: number;
  readonly tableBytes: number;
  readonly payloadBytes: number;
  readonly tableCrc: number;
  /** First of its file: its first records are the hard states of all groups. */
  readonly isHead: boolean;
  /** Written and synced by a clean stop: this batch is durable itself. */
  readonly isSeal: boolean;
}

/** The seed of a life's checksums: both halves of the number count. */
export function lifeSeed(life: number): number {
  return (life ^ Math.floor(life / 0x1_0000_0000)) >>> 0;
}

/** The encoded header. */
export function encodeWalBatchHeader(header: WalBatchHeader): Uint8Array {
  const bytes = new Uint8Array(WAL_BATCH_HEADER_BYTES);
  writeUint32(bytes, 0, MAGIC);
  writeUint16(bytes, 4, VERSION);
  writeUint16(bytes, 6, (header.isHead ? HEAD_FLAG : 0) | (header.isSeal ? SEAL_FLAG : 0));
  writeUint64(bytes, 8, header.life);
  writeUint64(bytes, 16, header.batch);
  writeUint64(bytes, 24, header.syncedThrough);
  writeUint64(bytes, 32, header.recordCount);
  writeUint64(bytes, 40, header.replayFrom);
  writeUint32(bytes, 48, header.tableBytes);
  writeUint32(bytes, 52, header.payloadBytes);
  writeUint32(bytes, 56, header.tableCrc);
  writeUint32(bytes, 60, crc32c(bytes, 0, 60, lifeSeed(header.life)));
  return bytes;
}

/** The header at a position when it is one of this life; undefined for anything else. */
export function decodeWalBatchHeader(
  bytes: Uint8Array,
  position: number,
  life: number,
): WalBatchHeader | undefined {
  if (bytes.length - position < WAL_BATCH_HEADER_BYTES) return undefined;
  if (readUint32(bytes, position) !== MAGIC) return undefined;
  const crc = crc32c(bytes, position, position + 60, lifeSeed(life));
  if (crc !== readUint32(bytes, position + 60)) return undefined;
  if (readUint16(bytes, position + 4) !== VERSION) return undefined;
  if (readUint64(bytes, position + 8) !== life) return undefined;
  const flags = readUint16(bytes, position + 6);
  return {
    life,
    batch: readUint64(bytes, position + 16),
    syncedThrough: readUint64(bytes, position + 24),
    recordCount: readUint64(bytes, position + 32),
    replayFrom: readUint64(bytes, position + 40),
    tableBytes: readUint32(bytes, position + 48),
    payloadBytes: readUint32(bytes, position + 52),
    tableCrc: readUint32(bytes, position + 56),
    isHead: (flags & HEAD_FLAG) !== 0,
    isSeal: (flags & SEAL_FLAG) !== 0,
  };
}
