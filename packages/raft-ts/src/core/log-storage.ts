import type { ConfState, Entry, HardState, Snapshot } from "./types.ts";

/** What a replica starts from. */
export interface InitialState {
  readonly hardState: HardState;
  /** The configuration as of the applied index. */
  readonly confState: ConfState;
  /**
   * Ascending indexes of the stored configuration entries above the applied index. When absent the
   * core does not scan for them: until everything that was committed in the stored log is applied,
   * it does not campaign.
   */
  readonly configurationIndexes?: readonly number[];
}

/**
 * The stored part of the log, read synchronously. Implemented by the caller.
 *
 * Everything that was handed out in a `Ready` (or a storage-append message) and written must be
 * visible here before the core is told so (`advance`, or the response of that message). It may be
 * visible earlier.
 */
export interface LogStorage {
  /** Called once, by the constructor. */
  initialState(): InitialState;
  /** Index of the first entry that may be read; `lastIndex() + 1` for an empty log. */
  firstIndex(): number;
  /** Index of the last entry; `firstIndex() - 1` for an empty log. */
  lastIndex(): number;
  /** Term at an index in [firstIndex - 1, lastIndex]. Must be answered from memory. */
  term(index: number): number | "compacted" | "unavailable";
  /**
   * Entries [from, to), at least one and then at most `maxBytes` in sum. The answer may stop short
   * where memory ends. `compacted`: `from` is below `firstIndex`. `pending`: not in memory; the
   * core will ask for them in `Ready.wants`. The caller of this method keeps the array; it must not
   * change afterwards.
   */
  entries(from: number, to: number, maxBytes: number): readonly Entry[] | "compacted" | "pending";
  /**
   * The state for a follower that needs entries below `firstIndex`; its configuration is the one of
   * its index. `pending`: asked again at the next heartbeat. So is one whose configuration lacks
   * the follower: a newer one must come.
   */
  snapshot(): Snapshot | "pending";
}
