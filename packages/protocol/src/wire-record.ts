import { encodeUtf8 } from "@stratalog/base";
import type { WireRecord } from "./gen/record.ts";
import type { Input } from "./method.ts";
import { checkCount, invalidRequest, safeInteger } from "./wire-number.ts";

/** A named value beside a record. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** A record on its way in; fits the batch builder by structure. */
export interface RecordToAppend {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly timestampMs: number;
}

/** A record on its way out; the batch decoder's views fit by structure. */
export interface RecordToSend extends RecordToAppend {
  readonly offset: number;
}

/** Up to here differences of two timestamps are exact in a batch. */
const TIMESTAMP_MS_MAX = 2 ** 51;
const KEY_BYTES_MAX = 64 * 1024;
const HEADER_COUNT_MAX = 64;
const HEADER_KEY_BYTES_MAX = 1_024;
const HEADER_VALUE_BYTES_MAX = 64 * 1024;

/**
 * The record of a request; `nowMs` (since 1970) stands in for an absent timestamp. INVALID_REQUEST
 * when over a limit.
 */
export function recordFromWire(record: WireRecord, nowMs: number): RecordToAppend {
  const key = record.key ?? null;
  if (key !== null && key.length > KEY_BYTES_MAX) {
    throw invalidRequest(`a key has ${key.length} bytes; it may have ${KEY_BYTES_MAX}`);
  }
  checkCount(record.headers, { name: "headers", min: 0, max: HEADER_COUNT_MAX });
  const headers = record.headers.map((header) => {
    const value = header.value ?? null;
    const tooLong = encodeUtf8(header.key).length > HEADER_KEY_BYTES_MAX;
    if (tooLong || (value !== null && value.length > HEADER_VALUE_BYTES_MAX)) {
      throw invalidRequest(
        `a header is over ${HEADER_KEY_BYTES_MAX} + ${HEADER_VALUE_BYTES_MAX} bytes`,
      );
    }
    return { key: header.key, value };
  });
  const timestampMs = timestampFromWire(record.timestampMs, nowMs);
  return { key, value: record.value ?? null, headers, timestampMs };
}

function timestampFromWire(timestampMs: number | undefined, nowMs: number): number {
  if (timestampMs === undefined) return nowMs;
  if (timestampMs >= 0 && timestampMs <= TIMESTAMP_MS_MAX) return timestampMs;
  throw invalidRequest(`timestamp_ms is ${timestampMs}; it may be 0 to 2^51`);
}

/** The record for an answer. Bytes are not copied until the message is encoded. */
export function recordToWire(record: RecordToSend): Input<WireRecord> {
  return {
    offset: record.offset,
    timestampMs: record.timestampMs,
    key: record.key ?? undefined,
    value: record.value ?? undefined,
    headers: record.headers.map(({ key, value }) => ({ key, value: value ?? undefined })),
  };
}

/** The record of an answer: null stands for what is absent. */
export function recordFromAnswer(record: WireRecord): RecordToSend {
  return {
    offset: safeInteger(record.offset, "offset"),
    timestampMs: safeInteger(record.timestampMs ?? 0, "timestamp_ms"),
    key: record.key ?? null,
    value: record.value ?? null,
    headers: record.headers.map(({ key, value }) => ({ key, value: value ?? null })),
  };
}
