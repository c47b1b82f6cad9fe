import { CodedError } from "@stratalog/base";
import { type Codec, type OpenedBatch, openBatchWith, replaceRecords } from "../core/codec.ts";
import type { Compression } from "../core/compression.ts";
import { BATCH_HEADER_BYTES } from "../core/header.ts";
import type { RecordView } from "../core/record.ts";
import { gzipCodec, gzipInBackground } from "./gzip.ts";
import { builtInZstd, loadWasmZstd } from "./zstd.ts";

/**
 * Default bound of what one batch's records may decompress to: a bomb costs this much memory and
 * no more.
 */
export const DECOMPRESSED_BYTES_MAX = 64 * 1024 * 1024;

/** From here on a trip to another thread costs less than blocking this one. */
const BACKGROUND_BYTES_MIN = 32 * 1024;

const codecs = new Map<Compression, Codec>([["gzip", gzipCodec]]);
const builtIn = builtInZstd();
if (builtIn !== undefined) codecs.set("zstd", builtIn);

let wasmZstd: Promise<Codec | undefined> | undefined;

function loadedCodec(compression: Compression): Codec | undefined {
  return codecs.get(compression);
}

/** Whether batches of this codec can be read and made right now, without waiting. */
export function isCodecLoaded(compression: Compression): boolean {
  return compression === "none" || codecs.has(compression);
}

/**
 * Loads what a codec needs; false when this installation cannot have it. Only zstd on Node < 22.15
 * waits for anything.
 */
export async function loadCodec(compression: Compression): Promise<boolean> {
  if (isCodecLoaded(compression)) return true;
  if (compression !== "zstd") return false;
  wasmZstd ??= loadWasmZstd();
  const codec = await wasmZstd;
  if (codec === undefined) return false;
  codecs.set("zstd", codec);
  return true;
}

/**
 * A compressed form of a batch that `BatchBuilder.build` made; the batch itself when compressing
 * makes it no smaller. Rejects with UNSUPPORTED_COMPRESSION when the codec cannot be loaded.
 */
export async function compressBatch(
  batch: Uint8Array,
  compression: Compression,
): Promise<Uint8Array> {
  if (compression === "none") return batch;
  await loadCodec(compression);
  const codec = loadedCodec(compression);
  if (codec === undefined) {
    throw new CodedError(
      "UNSUPPORTED_COMPRESSION",
      `${compression} is not available here; use gzip, or Node 22.15 or later for zstd`,
    );
  }
  const records = batch.subarray(BATCH_HEADER_BYTES);
  const isLarge = records.length >= BACKGROUND_BYTES_MIN;
  const compressed =
    compression === "gzip" && isLarge ? await gzipInBackground(records) : codec.compress(records);
  return compressed.length < records.length
    ? replaceRecords(batch, compression, compressed)
    : batch;
}

/** How to read a batch. */
export interface OpenOptions {
  /** Where the batch starts in the bytes. Default 0. */
  readonly position?: number;
  /** Bound of its uncompressed records, bytes. Default {@link DECOMPRESSED_BYTES_MAX}. */
  readonly maxDecompressedBytes?: number;
}

/**
 * Opens a batch for reading with the codecs that are loaded: `loadCodec` first when it may be zstd.
 * Failures are values. The checksum is not looked at; `validateBatch` does that.
 */
export function openBatch(bytes: Uint8Array, options: OpenOptions = {}): OpenedBatch {
  return openBatchWith(bytes, {
    position: options.position ?? 0,
    maxDecompressedBytes: options.maxDecompressedBytes ?? DECOMPRESSED_BYTES_MAX,
    codecs: loadedCodec,
  });
}

/**
 * The records of the batch at a position, as views. Throws CodedError CORRUPT_BATCH,
 * UNSUPPORTED_COMPRESSION or MESSAGE_TOO_LARGE; on damage in the middle, after the records that
 * could be read.
 */
export function* decodeBatch(
  bytes: Uint8Array,
  position: number = 0,
  options: { readonly maxDecompressedBytes?: number } = {},
): Generator<RecordView, void, void> {
  const opened = openBatch(bytes, { ...options, position });
  if (!opened.ok) throw new CodedError(opened.code, opened.message);
  const cursor = opened.cursor;
  while (cursor.next()) yield cursor.view();
  if (cursor.isCorrupt) {
    throw new CodedError("CORRUPT_BATCH", "the records end elsewhere than the batch says");
  }
}
