import { CodedError } from "@stratalog/base";
import type { Acks } from "@stratalog/protocol";
import type { Compression } from "@stratalog/record-batch";
import { BatchBuffers } from "../../core/batch-buffers.ts";
import type { PartitionQueue } from "../../core/partition-queue.ts";
import type { Serde } from "../../core/serde.ts";

/** How a producer sends. */
export interface ProducerOptions<Key = unknown, Value = unknown> {
  /** Codec of batches: none (default), gzip or zstd. */
  readonly compression?: Compression;
  /** Whether retries never store a record twice. Default true; false when acks is not "all". */
  readonly idempotent?: boolean;
  /** When a record counts as stored. Default "all": synced on a majority of its replicas. */
  readonly acks?: Acks;
  /** Milliseconds that a batch waits for more records. Default 0: what gathers meanwhile. */
  readonly lingerMs?: number;
  /** Largest batch before compression, bytes. Default 256 KiB; a larger record goes alone. */
  readonly maxBatchBytes?: number;
  /** Memory for records that are not stored yet, bytes. Default 32 MiB; then sending waits. */
  readonly maxBufferBytes?: number;
  /** Milliseconds until a record that could not be stored is given up. Default 120,000. */
  readonly deliveryTimeoutMs?: number;
  /** Milliseconds that sending waits for memory, then BUFFER_FULL. Default 60,000. */
  readonly maxBlockMs?: number;
  /** Batches of one partition on their way at once, 1 to 5. Default 5. */
  readonly maxInFlight?: number;
  /** Turns keys into bytes. Default: bytes and text as they are, all else JSON. */
  readonly key?: Serde<Key>;
  /** Turns values into bytes. Default as for keys. */
  readonly value?: Serde<Value>;
}

/** The options with defaults filled in, and a hook of the producer. */
export interface ProducerSettings {
  readonly compression: Compression;
  readonly isIdempotent: boolean;
  readonly acks: Acks;
  readonly lingerMs: number;
  readonly maxBatchBytes: number;
  readonly maxBufferBytes: number;
  readonly deliveryTimeoutMs: number;
  readonly maxBlockMs: number;
  readonly maxInFlight: number;
  /** Milliseconds until an append without an answer counts as failed. */
  readonly sendTimeoutMs: number;
  readonly onBatchClosed: (queue: PartitionQueue) => void;
  readonly buffers: BatchBuffers;
}

const MIB = 1024 * 1024;
/** Largest batch: a gRPC message is at most 16 MiB. */
export const BATCH_BYTES_MAX = 15 * MIB;
/** The broker remembers this many batches of a producer. */
const IN_FLIGHT_MAX = 5;

/** Fills in defaults; INVALID_CONFIG for what cannot be. */
export function producerSettings(
  options: Omit<ProducerOptions, "key" | "value">,
  hooks: Pick<ProducerSettings, "onBatchClosed" | "sendTimeoutMs">,
): ProducerSettings {
  const acks = options.acks ?? "all";
  const isIdempotent = options.idempotent ?? acks === "all";
  if (isIdempotent && acks !== "all") {
    throw new CodedError(
      "INVALID_CONFIG",
      `an idempotent producer needs acks "all", not "${acks}": leave one of the two out`,
    );
  }
  const compression = options.compression ?? "none";
  if (compression !== "none" && compression !== "gzip" && compression !== "zstd") {
    throw new CodedError("UNSUPPORTED_COMPRESSION", `${compression}: use none, gzip or zstd`);
  }
  const settings = {
    compression,
    isIdempotent,
    acks,
    lingerMs: options.lingerMs ?? 0,
    maxBatchBytes: options.maxBatchBytes ?? 256 * 1024,
    maxBufferBytes: options.maxBufferBytes ?? 32 * MIB,
    deliveryTimeoutMs: options.deliveryTimeoutMs ?? 120_000,
    maxBlockMs: options.maxBlockMs ?? 60_000,
    maxInFlight: options.maxInFlight ?? IN_FLIGHT_MAX,
    ...hooks,
  };
  checkRange("lingerMs", settings.lingerMs, { min: 0, max: 60_000 });
  checkRange("maxBatchBytes", settings.maxBatchBytes, { min: 256, max: BATCH_BYTES_MAX });
  checkRange("maxBufferBytes", settings.maxBufferBytes, { min: 1_024, max: 16_384 * MIB });
  checkRange("deliveryTimeoutMs", settings.deliveryTimeoutMs, { min: 1, max: 86_400_000 });
  checkRange("maxBlockMs", settings.maxBlockMs, { min: 0, max: 86_400_000 });
  checkRange("maxInFlight", settings.maxInFlight, { min: 1, max: IN_FLIGHT_MAX });
  const buffers = new BatchBuffers({
    bufferBytes: settings.maxBatchBytes,
    keptBytesMax: settings.maxBufferBytes,
  });
  return { ...settings, buffers };
}

/** INVALID_CONFIG for a number outside its range. */
export function checkRange(
  name: string,
  value: number,
  range: { readonly min: number; readonly max: number },
): void {
  if (value >= range.min && value <= range.max) return;
  throw new CodedError(
    "INVALID_CONFIG",
    `${name} is ${value}; it may be ${range.min} to ${range.max}`,
  );
}
