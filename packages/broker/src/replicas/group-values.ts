import { type GroupNumber, groupNumber } from "@stratalog/base";

/** A number that a broker tells of a group: the term in which it leads, the log start. */
export interface GroupValue {
  readonly group: GroupNumber;
  /** A safe integer above 0. */
  readonly value: number;
}

// One entry, big-endian: group, unsigned 32 bits; value, 64-bit float.
const ENTRY_BYTES = 12;

/** Entries of one message; more are cut off. */
export const GROUP_VALUES_MAX = 100_000;

/** One message of the first GROUP_VALUES_MAX entries. */
export function encodeGroupValues(values: readonly GroupValue[]): Uint8Array {
  const count = Math.min(values.length, GROUP_VALUES_MAX);
  const view = new DataView(new ArrayBuffer(count * ENTRY_BYTES));
  for (const [index, { group, value }] of values.slice(0, count).entries()) {
    view.setUint32(index * ENTRY_BYTES, group);
    view.setFloat64(index * ENTRY_BYTES + 4, value);
  }
  return new Uint8Array(view.buffer);
}

/** The entries, or undefined when the bytes are none. */
export function decodeGroupValues(bytes: Uint8Array): readonly GroupValue[] | undefined {
  if (bytes.byteLength % ENTRY_BYTES !== 0) return undefined;
  if (bytes.byteLength > GROUP_VALUES_MAX * ENTRY_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values: GroupValue[] = [];
  for (let position = 0; position < bytes.byteLength; position += ENTRY_BYTES) {
    const value = view.getFloat64(position + 4);
    if (!Number.isSafeInteger(value) || value <= 0) return undefined;
    values.push({ group: groupNumber(view.getUint32(position)), value });
  }
  return values;
}
