import { decodeJson, encodeUtf8, type JsonDecoding, type Shape, shape } from "@stratalog/base";

/**
 * One Raft entry of a state machine: the records of one drain of its queue, all or none of them.
 *
 *   {"version":1,"records":[…]}      UTF-8 JSON; each record says its own type and version
 */
const ENTRY_VERSION = 1;

/** Puts records, already JSON text, into an entry. */
export function encodeEntry(records: readonly string[]): Uint8Array {
  return encodeUtf8(`{"version":${ENTRY_VERSION},"records":[${records.join(",")}]}`);
}

/** The records of an entry, or what is wrong with it. */
export function decodeEntry<Record>(
  payload: Uint8Array,
  recordFromJson: (value: unknown) => Record,
): JsonDecoding<readonly Record[]> {
  const record: Shape<Record> = { read: (value) => recordFromJson(value) };
  const entry = shape.object({
    version: shape.integer(ENTRY_VERSION, ENTRY_VERSION),
    records: shape.list(record),
  });
  const decoded = decodeJson(payload, entry);
  return decoded.ok ? { ok: true, value: decoded.value.records } : decoded;
}
