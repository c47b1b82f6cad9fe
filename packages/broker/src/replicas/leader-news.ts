import type { GroupNumber } from "@stratalog/base";
import { decodeGroupValues, encodeGroupValues } from "./group-values.ts";

/** One group that the sender leads, in a term. */
export interface LedGroup {
  readonly group: GroupNumber;
  readonly term: number;
}

/**
 * What a broker tells the others of the groups it leads; what one message has no room for comes
 * with the next digest.
 */
export function encodeLeaderNews(groups: readonly LedGroup[]): Uint8Array {
  return encodeGroupValues(groups.map(({ group, term }) => ({ group, value: term })));
}

/** The entries, or undefined when the bytes are none. */
export function decodeLeaderNews(bytes: Uint8Array): readonly LedGroup[] | undefined {
  return decodeGroupValues(bytes)?.map(({ group, value }) => ({ group, term: value }));
}
