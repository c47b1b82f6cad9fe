import { CodedError, decodeUtf8, encodeUtf8 } from "@stratalog/base";

/** How lines become records. At most one of the two is set. */
export interface LineFormat {
  /**
   * Each line is a JSON object; this field of it is the key. A dot goes into objects:
   * `customer.id`.
   */
  readonly keyField?: string | undefined;
  /** Each line is key, separator, value. */
  readonly keySeparator?: string | undefined;
}

/** Key and value of one line. */
export interface LineRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array;
}

/**
 * Turns a line into a record; `number` counts from 1. Errors: INVALID_REQUEST with the line's
 * number.
 */
export function parseLineRecord(line: Uint8Array, number: number, format: LineFormat): LineRecord {
  if (format.keyField !== undefined) {
    return { key: keyOfJson(line, number, format.keyField), value: line };
  }
  if (format.keySeparator === undefined) return { key: null, value: line };
  const separator = Buffer.from(format.keySeparator);
  const split = Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(separator);
  if (split === -1) {
    throw bad(number, `has no "${format.keySeparator}" between key and value`);
  }
  return { key: line.subarray(0, split), value: line.subarray(split + separator.length) };
}

function keyOfJson(line: Uint8Array, number: number, field: string): Uint8Array {
  let value: unknown;
  try {
    value = JSON.parse(decodeUtf8(line));
  } catch (error) {
    throw bad(number, `is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  for (const name of field.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) {
      throw bad(number, `has no field "${field}"`);
    }
    // Just checked: an object with this property.
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof value === "string") return encodeUtf8(value);
  if (typeof value === "number" || typeof value === "boolean") return encodeUtf8(String(value));
  throw bad(number, `has a "${field}" that is neither text nor number`);
}

function bad(number: number, what: string): CodedError {
  return new CodedError("INVALID_REQUEST", `line ${number} of the input ${what}`);
}
