import { assert } from "@stratalog/base";
import { COMPRESSION_MASK, compressionOf, type Compression } from "./compression.ts";
import {
  readInt16,
  readInt32,
  readInt64,
  readUint32,
  readUint8,
  writeInt32,
  writeInt64,
} from "./integers.ts";

// RecordBatch v2, big-endian. The checksum covers [21, end): base offset and leader epoch may be
// patched without it.
//
//   0  8  base offset            21  2  attributes           43  8  producer id
//   8  4  batch length           23  4  last offset delta    51  2  producer epoch
//  12  4  leader epoch           27  8  base timestamp       53  4  base sequence
//  16  1  magic = 2              35  8  max timestamp        57  4  record count
//  17  4  crc32c                                             61  …  records, possibly compressed
/** Positions of the fields, from the batch's first byte; the table above has their sizes. */
export const BASE_OFFSET_POSITION = 0;
export const BATCH_LENGTH_POSITION = 8;
export const LEADER_EPOCH_POSITION = 12;
export const MAGIC_POSITION = 16;
export const CRC_POSITION = 17;
export const ATTRIBUTES_POSITION = 21;
export const LAST_OFFSET_DELTA_POSITION = 23;
export const BASE_TIMESTAMP_POSITION = 27;
export const MAX_TIMESTAMP_POSITION = 35;
export const PRODUCER_ID_POSITION = 43;
export const PRODUCER_EPOCH_POSITION = 51;
export const BASE_SEQUENCE_POSITION = 53;
export const RECORD_COUNT_POSITION = 57;

/** Bytes of a batch before its first record. */
export const BATCH_HEADER_BYTES = 61;
/**
 * Bytes that come before those which the batch length counts: base offset and the length itself.
 */
export const BATCH_PREFIX_BYTES = 12;
/** The version of the format in the magic byte. */
export const BATCH_MAGIC = 2;

/** Attribute bits: stamped by the broker, in a transaction, a marker. */
export const TIMESTAMP_TYPE_BIT = 0x08;
export const TRANSACTIONAL_BIT = 0x10;
export const CONTROL_BIT = 0x20;

// Each accessor below reads one field of the batch that starts at `position`, without a copy. They
// trust the caller that a whole header is there: `totalBytesOf` or `validateBatch` first.

/** Offset of the batch's first record; in a batch that no broker has placed yet, usually 0. */
export function baseOffsetOf(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + BASE_OFFSET_POSITION);
}

/** Bytes of the batch after the length field, as the field says. */
export function batchLengthOf(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + BATCH_LENGTH_POSITION);
}

/** Bytes of the whole batch, as its length field says. */
export function totalBytesOf(bytes: Uint8Array, position: number): number {
  return batchLengthOf(bytes, position) + BATCH_PREFIX_BYTES;
}

/** Epoch of the leader that placed the batch; −1 before that. */
export function leaderEpochOf(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + LEADER_EPOCH_POSITION);
}

/** Version of the format; 2 is the only one that this package reads. */
export function magicOf(bytes: Uint8Array, position: number): number {
  return readUint8(bytes, position + MAGIC_POSITION);
}

/** The checksum that the batch carries, unsigned. */
export function crcOf(bytes: Uint8Array, position: number): number {
  return readUint32(bytes, position + CRC_POSITION);
}

/** The 16 attribute bits: codec, time stamped by whom, transaction, control. */
export function attributesOf(bytes: Uint8Array, position: number): number {
  return readInt16(bytes, position + ATTRIBUTES_POSITION);
}

/** Offset of the last record, counted from the base offset. */
export function lastOffsetDeltaOf(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + LAST_OFFSET_DELTA_POSITION);
}

/** Milliseconds since 1970 that the records' timestamp deltas count from. */
export function baseTimestampOf(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + BASE_TIMESTAMP_POSITION);
}

/** The largest timestamp of the records, milliseconds since 1970. */
export function maxTimestampOf(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + MAX_TIMESTAMP_POSITION);
}

/** −1 when the producer is not idempotent. */
export function producerIdOf(bytes: Uint8Array, position: number): number {
  return readInt64(bytes, position + PRODUCER_ID_POSITION);
}

/** Epoch of the producer; means nothing without a producer id. */
export function producerEpochOf(bytes: Uint8Array, position: number): number {
  return readInt16(bytes, position + PRODUCER_EPOCH_POSITION);
}

/** Sequence number of the first record; means nothing without a producer id. */
export function baseSequenceOf(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + BASE_SEQUENCE_POSITION);
}

/** Number of records. */
export function recordCountOf(bytes: Uint8Array, position: number): number {
  return readInt32(bytes, position + RECORD_COUNT_POSITION);
}

/** The codec of the records, or undefined for a number that no codec has. */
export function compressionTypeOf(bytes: Uint8Array, position: number): Compression | undefined {
  return compressionOf(attributesOf(bytes, position) & COMPRESSION_MASK);
}

/** Whether the batch was stamped by the broker: every record then has the batch's max timestamp. */
export function isLogAppendTime(bytes: Uint8Array, position: number): boolean {
  return (attributesOf(bytes, position) & TIMESTAMP_TYPE_BIT) !== 0;
}

/** Whether the batch is part of a transaction. */
export function isTransactional(bytes: Uint8Array, position: number): boolean {
  return (attributesOf(bytes, position) & TRANSACTIONAL_BIT) !== 0;
}

/** Whether the batch holds a marker instead of records of a user. */
export function isControl(bytes: Uint8Array, position: number): boolean {
  return (attributesOf(bytes, position) & CONTROL_BIT) !== 0;
}

/** Offset after the batch's last record. */
export function endOffsetOf(bytes: Uint8Array, position: number): number {
  return baseOffsetOf(bytes, position) + lastOffsetDeltaOf(bytes, position) + 1;
}

/** Writes where the batch starts in its partition; the checksum does not cover it. */
export function patchBaseOffset(bytes: Uint8Array, position: number, offset: number): void {
  assert(Number.isSafeInteger(offset) && offset >= 0, `base offset ${offset}`);
  writeInt64(bytes, position + BASE_OFFSET_POSITION, offset);
}

/** Writes the epoch of the leader that placed the batch; the checksum does not cover it. */
export function patchLeaderEpoch(bytes: Uint8Array, position: number, epoch: number): void {
  assert(Number.isInteger(epoch) && epoch >= -1 && epoch <= 0x7fff_ffff, `leader epoch ${epoch}`);
  writeInt32(bytes, position + LEADER_EPOCH_POSITION, epoch);
}

/** All fields of a header, for those who want an object. */
export interface BatchHeader {
  readonly baseOffset: number;
  readonly batchLength: number;
  readonly leaderEpoch: number;
  readonly magic: number;
  readonly crc: number;
  readonly attributes: number;
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
  readonly compression: Compression | undefined;
  readonly isTransactional: boolean;
  readonly isControl: boolean;
  readonly totalBytes: number;
}

/** Reads the header of the batch at `position`; the caller has seen that its 61 bytes are there. */
export function readBatchHeader(bytes: Uint8Array, position: number): BatchHeader {
  return {
    baseOffset: baseOffsetOf(bytes, position),
    batchLength: batchLengthOf(bytes, position),
    leaderEpoch: leaderEpochOf(bytes, position),
    magic: magicOf(bytes, position),
    crc: crcOf(bytes, position),
    attributes: attributesOf(bytes, position),
    lastOffsetDelta: lastOffsetDeltaOf(bytes, position),
    baseTimestamp: baseTimestampOf(bytes, position),
    maxTimestamp: maxTimestampOf(bytes, position),
    producerId: producerIdOf(bytes, position),
    producerEpoch: producerEpochOf(bytes, position),
    baseSequence: baseSequenceOf(bytes, position),
    recordCount: recordCountOf(bytes, position),
    compression: compressionTypeOf(bytes, position),
    isTransactional: isTransactional(bytes, position),
    isControl: isControl(bytes, position),
    totalBytes: totalBytesOf(bytes, position),
  };
}
