import type { ConfChange, Entry } from "./types.ts";

/** What an entry is counted for besides its payload: index, term and kind. */
export const ENTRY_OVERHEAD_BYTES = 12;

/**
 * Bytes of payload. 0 for a new leader's empty entry and for the change that leaves a joint
 * configuration: byte limits must never stop these two.
 */
export function payloadBytes(entry: Entry): number {
  if (entry.type === "normal") return entry.data === undefined ? 0 : entry.data.byteLength;
  return confChangeBytes(entry.change);
}

/** Bytes that an entry counts for in a message. */
export function entryBytes(entry: Entry): number {
  return payloadBytes(entry) + ENTRY_OVERHEAD_BYTES;
}

/** Sum of `payloadBytes`. */
export function totalPayloadBytes(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += payloadBytes(entry);
  return bytes;
}

/** Sum of `entryBytes`. */
export function totalEntryBytes(entries: readonly Entry[]): number {
  return totalPayloadBytes(entries) + entries.length * ENTRY_OVERHEAD_BYTES;
}

function confChangeBytes(change: ConfChange): number {
  const context = change.context === undefined ? 0 : change.context.byteLength;
  if (change.changes.length === 0 && context === 0) return 0;
  return 2 + 9 * change.changes.length + context;
}
