import type { Compression } from "./compression.ts";
import { crc32c } from "./crc32c.ts";
import {
  ATTRIBUTES_POSITION,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchHeader,
  magicOf,
  readBatchHeader,
  totalBytesOf,
} from "./header.ts";
import { type BatchFailure, batchFailure } from "./record.ts";

/** What a batch is held against. */
export interface BatchRules {
  /** Largest batch, bytes, as it comes: compressed when it is. */
  readonly maxBytes: number;
  /** Most records. Default: as many as the header says. */
  readonly maxRecords?: number;
  /** Where the batch starts; it must end where the array ends. Default 0. */
  readonly position?: number;
  /** Codecs that are let through. Default: those which this package can decode. */
  readonly compressions?: readonly Compression[];
  /**
   * Whether markers are let through: never from a producer, always from a log. Default "refuse".
   */
  readonly controlBatches?: "refuse" | "accept";
}

/** The header of a batch that holds, or why it does not. */
export type BatchValidation = { readonly ok: true; readonly header: BatchHeader } | BatchFailure;

/** Most records that a producer puts into one batch: a reader may hold all of one at a time. */
export const BATCH_RECORDS_MAX = 50_000;

/** A record with nothing in it: length, attributes, two deltas, two null lengths, no headers. */
const RECORD_BYTES_MIN = 7;

const DECODABLE: readonly Compression[] = ["none", "gzip", "zstd"];

/**
 * Holds one whole batch against the rules from its header and checksum alone: nothing is
 * decompressed, no record is looked at. Never throws, whatever the bytes.
 */
export function validateBatch(bytes: Uint8Array, rules: BatchRules): BatchValidation {
  const position = rules.position ?? 0;
  const sizeBytes = bytes.length - position;
  if (sizeBytes < BATCH_HEADER_BYTES) {
    return batchFailure("CORRUPT_BATCH", `a batch of ${sizeBytes} bytes has no whole header`);
  }
  if (sizeBytes > rules.maxBytes) {
    return batchFailure(
      "MESSAGE_TOO_LARGE",
      `the batch has ${sizeBytes} bytes; the limit is ${rules.maxBytes}: send smaller batches`,
    );
  }
  const magic = magicOf(bytes, position);
  if (magic !== BATCH_MAGIC) {
    return batchFailure("CORRUPT_BATCH", `magic ${magic}; only RecordBatch v2 is understood`);
  }
  if (totalBytesOf(bytes, position) !== sizeBytes) {
    return batchFailure(
      "CORRUPT_BATCH",
      `the batch says ${totalBytesOf(bytes, position)} bytes and has ${sizeBytes}`,
    );
  }
  const header = readBatchHeader(bytes, position);
  const crc = crc32c(bytes, position + ATTRIBUTES_POSITION, bytes.length);
  if (crc !== header.crc) {
    return batchFailure("CORRUPT_BATCH", `checksum ${crc}, the batch says ${header.crc}`);
  }
  return checkHeader(header, rules) ?? { ok: true, header };
}

function checkHeader(header: BatchHeader, rules: BatchRules): BatchFailure | undefined {
  const compressions = rules.compressions ?? DECODABLE;
  if (header.compression === undefined || !compressions.includes(header.compression)) {
    const name = header.compression ?? `codec ${header.attributes & 7}`;
    return batchFailure(
      "UNSUPPORTED_COMPRESSION",
      `${name} is not supported; use one of ${compressions.join(", ")}`,
    );
  }
  if (header.isControl && rules.controlBatches !== "accept") {
    return batchFailure("INVALID_REQUEST", "producers may not send control batches");
  }
  return checkCount(header, rules) ?? checkProducer(header);
}

function checkCount(header: BatchHeader, rules: BatchRules): BatchFailure | undefined {
  const { recordCount } = header;
  if (recordCount <= 0 || header.lastOffsetDelta !== recordCount - 1) {
    return batchFailure(
      "CORRUPT_BATCH",
      `${recordCount} records with last offset delta ${header.lastOffsetDelta}`,
    );
  }
  const payloadBytes = header.totalBytes - BATCH_HEADER_BYTES;
  if (header.compression === "none" && recordCount > payloadBytes / RECORD_BYTES_MIN) {
    return batchFailure("CORRUPT_BATCH", `${recordCount} records in ${payloadBytes} bytes`);
  }
  const { maxRecords = recordCount } = rules;
  if (recordCount > maxRecords) {
    return batchFailure(
      "MESSAGE_TOO_LARGE",
      `a batch of ${recordCount} records; at most ${maxRecords} are allowed`,
    );
  }
  return undefined;
}

function checkProducer(header: BatchHeader): BatchFailure | undefined {
  const { producerId, producerEpoch, baseSequence } = header;
  if (producerId === -1) {
    // Epoch and sequence mean nothing then: Java writes −1 into them, kafkajs 0.
    if (!header.isTransactional) return undefined;
    return batchFailure("INVALID_REQUEST", "a transactional batch needs a producer id");
  }
  const isIdentified = Number.isSafeInteger(producerId) && producerId >= 0 && producerEpoch >= 0;
  // Markers of transactions carry a producer but no sequence.
  if (isIdentified && (baseSequence >= 0 || header.isControl)) return undefined;
  return batchFailure(
    "INVALID_REQUEST",
    `producer ${producerId} epoch ${producerEpoch} sequence ${baseSequence} is out of range`,
  );
}
