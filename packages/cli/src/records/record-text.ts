import { decodeUtf8Strict } from "@stratalog/base";

/** A record as consume and replay print it. */
export interface PrintedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly timestampMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

/** Bytes as JSON: text when they are UTF-8, else base64 in an object that says so. */
function jsonOf(bytes: Uint8Array | null): unknown {
  if (bytes === null) return null;
  return decodeUtf8Strict(bytes) ?? { base64: Buffer.from(bytes).toString("base64") };
}

/**
 * The record as one line of JSON; the offset is text, since it may be larger than a JSON reader
 * keeps exact.
 */
export function recordAsJson(record: PrintedRecord): string {
  const { topic, partition, offset, timestampMs, key, value, headers } = record;
  return JSON.stringify({
    topic,
    partition,
    offset: offset.toString(),
    timestamp: timestampMs,
    key: jsonOf(key),
    value: jsonOf(value),
    headers: headers.map((header) => ({ key: header.key, value: jsonOf(header.value) })),
  });
}

/**
 * The record for people: key and value with a tab between, the value alone when there is no key.
 */
export function recordAsText(record: PrintedRecord): string {
  const value = record.value === null ? "" : Buffer.from(record.value).toString("utf8");
  return record.key === null ? value : `${Buffer.from(record.key).toString("utf8")}\t${value}`;
}
