import { CodedError, encodeUtf8 } from "@stratalog/base";
import type { RecordHeader, RecordInput } from "@stratalog/record-batch";
import { type Serde, serializePlain } from "../../core/serde.ts";
import { BATCH_BYTES_MAX } from "./producer-options.ts";

/** Headers to send: an object, or a list when names repeat. */
export type HeadersInput =
  | Readonly<Record<string, string | Uint8Array | null>>
  | readonly RecordHeader[];

/** A record without its place. */
export interface RecordContent<Key = unknown, Value = unknown> {
  /** Decides the partition and, there, what is in order. Default: none. */
  readonly key?: Key | null;
  /** Null, the default, stands for a deletion. */
  readonly value?: Value | null;
  /** Delivered as they are: a place for trace headers. Default: none. */
  readonly headers?: HeadersInput;
  /** Milliseconds since 1970, or a Date. Default: now. */
  readonly timestamp?: number | Date;
}

/** A record to send. Key and value may be anything that the producer's serdes take. */
export interface ProducerRecord<Key = unknown, Value = unknown> extends RecordContent<Key, Value> {
  /** Name of the topic; UNKNOWN_TOPIC_OR_PARTITION when there is none. */
  readonly topic: string;
  /** Default: by the key's hash; without a key, in turn. */
  readonly partition?: number;
}

/** How keys and values become bytes. */
export interface RecordEncoding<Key, Value> {
  readonly key: Serde<Key> | undefined;
  readonly value: Serde<Value> | undefined;
  readonly text: (text: string) => Uint8Array;
}

/** Room for what a batch has besides keys and values. */
const OVERHEAD_BYTES = 4_096;

/** The bytes of a record. SERDE_FAILED, or MESSAGE_TOO_LARGE for what no message can carry. */
export function encodeRecord<Key, Value>(
  record: RecordContent<Key, Value>,
  encoding: RecordEncoding<Key, Value>,
  nowMs: number,
): RecordInput {
  const key = encodeField(record.key, encoding.key, encoding.text);
  const value = encodeField(record.value, encoding.value, encoding.text);
  const { timestamp } = record;
  const timestampMs = timestamp === undefined ? nowMs : Number(timestamp);
  const sizeBytes = (key?.length ?? 0) + (value?.length ?? 0);
  if (sizeBytes > BATCH_BYTES_MAX - OVERHEAD_BYTES) {
    throw new CodedError(
      "MESSAGE_TOO_LARGE",
      `a record of ${sizeBytes} bytes; no batch is larger than ${BATCH_BYTES_MAX}`,
    );
  }
  if (record.headers === undefined) return { key, value, timestampMs };
  return { key, value, timestampMs, headers: encodeHeaders(record.headers) };
}

function encodeField<T>(
  field: T | null | undefined,
  serde: Serde<T> | undefined,
  text: (text: string) => Uint8Array,
): Uint8Array | null {
  if (field === null || field === undefined) return null;
  const serialized = serde === undefined ? serializePlain(field) : serialize(field, serde);
  return typeof serialized === "string" ? text(serialized) : serialized;
}

function serialize<T>(field: T, serde: Serde<T>): Uint8Array | string | null {
  try {
    return serde.serialize(field);
  } catch (error) {
    if (CodedError.is(error)) throw error;
    throw new CodedError("SERDE_FAILED", `the serializer threw: ${String(error)}`, {
      cause: error,
    });
  }
}

function encodeHeaders(headers: HeadersInput): readonly RecordHeader[] {
  if (isHeaderList(headers)) return headers;
  return Object.entries(headers).map(([key, value]) => ({
    key,
    value: typeof value === "string" ? encodeUtf8(value) : value,
  }));
}

function isHeaderList(headers: HeadersInput): headers is readonly RecordHeader[] {
  return Array.isArray(headers);
}
