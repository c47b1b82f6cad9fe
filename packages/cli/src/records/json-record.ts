import { CodedError, decodeJson, encodeUtf8, type Shape, shape } from "@stratalog/base";

/** A record as a line of JSON says it. */
export interface JsonRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
  /** Absent: now. */
  readonly timestamp?: number;
}

const base64 = shape.object({ base64: shape.text });

/** Bytes as `recordAsJson` writes them: null, text, or base64 in an object. */
const bytes: Shape<Uint8Array | null> = {
  read(value, path) {
    if (value === null || value === undefined) return null;
    if (typeof value === "string") return encodeUtf8(value);
    return Buffer.from(base64.read(value, path).base64, "base64");
  },
};
const optionalBytes = { ...bytes, isOptional: true } as const;

const LINE = shape.object({
  key: optionalBytes,
  value: optionalBytes,
  headers: shape.optional(shape.list(shape.object({ key: shape.text, value: optionalBytes }))),
  timestamp: shape.optional(shape.integer(0)),
});

/**
 * Reads a line that `--json` of consume, replay and export printed. Where the record was (topic,
 * partition, offset) is not part of it. Errors: INVALID_REQUEST with the line's number.
 */
export function parseJsonRecord(line: Uint8Array, number: number): JsonRecord {
  const decoded = decodeJson(line, LINE);
  if (!decoded.ok) {
    const what = `line ${number} of the input is no record: ${decoded.reason}`;
    throw new CodedError("INVALID_REQUEST", what);
  }
  const { key, value, headers, timestamp } = decoded.value;
  return {
    key: key ?? null,
    value: value ?? null,
    headers: (headers ?? []).map((each) => ({ key: each.key, value: each.value ?? null })),
    ...(timestamp === undefined ? {} : { timestamp }),
  };
}
