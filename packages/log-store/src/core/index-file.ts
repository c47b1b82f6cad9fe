import { crc32c } from "@stratalog/record-batch";
import { alignUp, readUint32, readUint64, writeUint32, writeUint64 } from "./bytes.ts";
import type { IndexEntry, SparseIndex } from "./sparse-index.ts";

// Index file: blocks one after the other, appended at checkpoints and when the segment is sealed;
// big-endian.
//
//   0  4  magic "SIDX"       16  8  bytes of the segment that the index covers with this block
//   4  4  rows in the block  24  8  largest record time in those bytes, plus 1
//   8  8  identity of the    32  4  CRC-32C of [0, 32) and the rows
//         segment            36  .. rows of 24 bytes: relative index u32, relative offset u32,
//                                   position u32, zero u32, largest time before the row plus 1 u64
//
// The file only saves a scan of the segment. Blocks are read until one does not hold; the rest is
// scanned.
const MAGIC = 0x53494458;
const BLOCK_HEADER_BYTES = 36;
const ROW_BYTES = 24;

/** What an index file says of a segment: rows up to `coveredBytes` of it. */
export interface LoadedIndex {
  readonly rows: readonly IndexEntry[];
  readonly coveredBytes: number;
  readonly maxTimestamp: number;
}

/** Identity and bases of the segment that an index belongs to. */
export interface IndexOwner {
  readonly identity: number;
  readonly baseIndex: number;
  readonly baseOffset: number;
}

/** A block with the rows from number `fromRow` on. */
export function encodeIndexBlock(
  owner: IndexOwner,
  index: SparseIndex,
  block: { readonly fromRow: number; readonly coveredBytes: number; readonly maxTimestamp: number },
): Uint8Array {
  const rowCount = index.count - block.fromRow;
  const bytes = new Uint8Array(BLOCK_HEADER_BYTES + rowCount * ROW_BYTES);
  writeUint32(bytes, 0, MAGIC);
  writeUint32(bytes, 4, rowCount);
  writeUint64(bytes, 8, owner.identity);
  writeUint64(bytes, 16, block.coveredBytes);
  writeUint64(bytes, 24, block.maxTimestamp + 1);
  for (let row = 0; row < rowCount; row++) {
    const entry = index.entry(block.fromRow + row);
    const at = BLOCK_HEADER_BYTES + row * ROW_BYTES;
    writeUint32(bytes, at, entry.index - owner.baseIndex);
    writeUint32(bytes, at + 4, entry.baseOffset - owner.baseOffset);
    writeUint32(bytes, at + 8, entry.position);
    writeUint64(bytes, at + 16, entry.maxTimestampBefore + 1);
  }
  writeUint32(bytes, 32, blockCrc(bytes, 0, bytes.length));
  return bytes;
}

/** The rows of an index file that can be believed, none when it belongs to another segment. */
export function decodeIndexFile(owner: IndexOwner, bytes: Uint8Array): LoadedIndex {
  const rows: IndexEntry[] = [];
  let coveredBytes = 0;
  let maxTimestamp = -1;
  let position = 0;
  while (bytes.length - position >= BLOCK_HEADER_BYTES) {
    if (readUint32(bytes, position) !== MAGIC) break;
    const rowCount = readUint32(bytes, position + 4);
    const end = position + BLOCK_HEADER_BYTES + rowCount * ROW_BYTES;
    if (end > bytes.length || readUint64(bytes, position + 8) !== owner.identity) break;
    if (readUint32(bytes, position + 32) !== blockCrc(bytes, position, end)) break;
    coveredBytes = readUint64(bytes, position + 16);
    maxTimestamp = readUint64(bytes, position + 24) - 1;
    for (let at = position + BLOCK_HEADER_BYTES; at < end; at += ROW_BYTES) {
      rows.push({
        index: owner.baseIndex + readUint32(bytes, at),
        baseOffset: owner.baseOffset + readUint32(bytes, at + 4),
        position: readUint32(bytes, at + 8),
        maxTimestampBefore: readUint64(bytes, at + 16) - 1,
      });
    }
    position = end;
  }
  return { rows, coveredBytes, maxTimestamp };
}

function blockCrc(bytes: Uint8Array, start: number, end: number): number {
  return crc32c(bytes, start + BLOCK_HEADER_BYTES, end, crc32c(bytes, start, start + 32));
}

/** Index rows are made when this many bytes of segment lie between. */
export function indexInterval(asked: number): number {
  return Math.max(64, alignUp(asked, 64));
}
