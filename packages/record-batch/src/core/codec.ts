import { assert } from "@stratalog/base";
import { type Compression, compressionNumber } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import {
  ATTRIBUTES_POSITION,
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_LENGTH_POSITION,
  BATCH_PREFIX_BYTES,
  CRC_POSITION,
  compressionTypeOf,
  totalBytesOf,
} from "./header.ts";
import { writeInt16, writeInt32 } from "./integers.ts";
import { type BatchFailure, batchFailure } from "./record.ts";
import { RecordCursor, recordSection, recordsStart } from "./record-cursor.ts";

/** Compresses and decompresses the records of a batch. Synchronous; loading one may not be. */
export interface Codec {
  readonly compression: Compression;
  compress(bytes: Uint8Array): Uint8Array;
  /** The records, or why not; never more than `maxBytes`, whatever the input claims. */
  decompress(bytes: Uint8Array, maxBytes: number): Decompressed;
}

/** What a codec made of its input. */
export type Decompressed = { readonly ok: true; readonly bytes: Uint8Array } | BatchFailure;

/** Finds the codec of a compressed batch; undefined when it is unknown or not loaded. */
export type CodecLookup = (compression: Compression) => Codec | undefined;

/**
 * Puts compressed records under the header of an uncompressed batch, with a new length, attributes
 * and checksum.
 */
export function replaceRecords(
  batch: Uint8Array,
  compression: Compression,
  records: Uint8Array,
): Uint8Array {
  assert(compressionTypeOf(batch, 0) === "none", "compressing a compressed batch");
  const bytes = new Uint8Array(BATCH_HEADER_BYTES + records.length);
  bytes.set(batch.subarray(0, BATCH_HEADER_BYTES));
  bytes.set(records, BATCH_HEADER_BYTES);
  writeInt32(bytes, BATCH_LENGTH_POSITION, bytes.length - BATCH_PREFIX_BYTES);
  const attributes = attributesOf(batch, 0) | compressionNumber(compression);
  writeInt16(bytes, ATTRIBUTES_POSITION, attributes);
  writeInt32(bytes, CRC_POSITION, crc32c(bytes, ATTRIBUTES_POSITION, bytes.length));
  return bytes;
}

/** A cursor over a batch, or why it cannot be read. */
export type OpenedBatch = { readonly ok: true; readonly cursor: RecordCursor } | BatchFailure;

/** Where and how to read a batch. */
export interface OpenBatchOptions {
  /** Where the batch starts. Default 0. */
  readonly position?: number;
  /** Most bytes that its records may take uncompressed. */
  readonly maxDecompressedBytes: number;
  readonly codecs: CodecLookup;
}

/**
 * Opens the batch at a position of `bytes` for reading, decompressing it when needed. The checksum
 * is not looked at.
 */
export function openBatchWith(bytes: Uint8Array, options: OpenBatchOptions): OpenedBatch {
  const position = options.position ?? 0;
  const start = recordsStart(position);
  if (start > bytes.length) {
    return batchFailure("CORRUPT_BATCH", `a batch at ${position} has no whole header`);
  }
  const end = position + totalBytesOf(bytes, position);
  if (end < start || end > bytes.length) {
    return batchFailure("CORRUPT_BATCH", `a batch at ${position} ends outside its bytes`);
  }
  const compression = compressionTypeOf(bytes, position);
  if (compression === "none") {
    const section = recordSection(bytes, position, { bytes, start, end });
    return { ok: true, cursor: new RecordCursor(section) };
  }
  const codec = compression === undefined ? undefined : options.codecs(compression);
  if (codec === undefined) {
    const name = compression ?? "an unknown codec";
    return batchFailure("UNSUPPORTED_COMPRESSION", `records compressed by ${name} cannot be read`);
  }
  const records = codec.decompress(bytes.subarray(start, end), options.maxDecompressedBytes);
  if (!records.ok) return records;
  const section = recordSection(bytes, position, {
    bytes: records.bytes,
    start: 0,
    end: records.bytes.length,
  });
  return { ok: true, cursor: new RecordCursor(section) };
}
