import { type GroupNumber, groupNumber } from "@stratalog/base";

/** One group that the sender leads, in a term. */
export interface LedGroup {
  readonly group: GroupNumber;
  readonly term: number;
}

// One entry, big-endian: group, unsigned 32 bits; term, 64-bit float. The leader is the broker that
// sends it.
const ENTRY_BYTES = 12;

/** Entries of one message; more are cut off and come with the next digest. */
export const NEWS_ENTRIES_MAX = 100_000;

/** What a broker tells the others of the groups it leads. */
export function encodeLeaderNews(groups: readonly LedGroup[]): Uint8Array {
  const count = Math.min(groups.length, NEWS_ENTRIES_MAX);
  const view = new DataView(new ArrayBuffer(count * ENTRY_BYTES));
  for (const [index, { group, term }] of groups.slice(0, count).entries()) {
    view.setUint32(index * ENTRY_BYTES, group);
    view.setFloat64(index * ENTRY_BYTES + 4, term);
  }
  return new Uint8Array(view.buffer);
}

/** The entries, or undefined when the bytes are none. */
export function decodeLeaderNews(bytes: Uint8Array): readonly LedGroup[] | undefined {
  if (bytes.byteLength % ENTRY_BYTES !== 0) return undefined;
  if (bytes.byteLength > NEWS_ENTRIES_MAX * ENTRY_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const groups: LedGroup[] = [];
  for (let position = 0; position < bytes.byteLength; position += ENTRY_BYTES) {
    const term = view.getFloat64(position + 4);
    if (!Number.isSafeInteger(term) || term <= 0) return undefined;
    groups.push({ group: groupNumber(view.getUint32(position)), term });
  }
  return groups;
}
