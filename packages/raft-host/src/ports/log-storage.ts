import type { GroupNumber } from "@stratalog/base";
import type { Frame } from "./frame.ts";

/**
 * What a replica must remember across restarts besides its log. `commit` is a hint, clamped to
 * the durable log.
 */
export interface StoredHardState {
  readonly term: number;
  /** Number of the replica voted for in `term`; 0 for none. */
  readonly vote: number;
  readonly commit: number;
}

/**
 * All that one group asks to be stored in one turn. Applied in the order reset, truncateFrom,
 * frames, hardState.
 */
export interface GroupWrite {
  readonly group: GroupNumber;
  /** The log is replaced by a snapshot's end: nothing at or below `index` remains. */
  readonly reset?: { readonly index: number; readonly term: number; readonly nextOffset: number };
  /** Every frame at this index and above is removed first. */
  readonly truncateFrom?: number;
  /** Contiguous, the first one index above what then is the last. */
  readonly frames: readonly Frame[];
  readonly hardState?: StoredHardState;
}

/**
 * Durable storage of many groups' logs behind one group commit.
 *
 * `write` makes its changes visible to the groups' `LogView`s before it returns, and calls
 * `onDurable` once all of them
 * are synced. Calls complete in the order in which they were made. A write never fails: a storage
 * that cannot sync ends
 * the process (DESIGN: a failed sync is fatal), so whatever was not called back never counted.
 */
export interface LogStorage {
  write(writes: readonly GroupWrite[], onDurable: () => void): void;
  /**
   * Before a stop, for a storage whose writes may wait without a bound, as for room on a full disk:
   * resolves once each write so far is durable or given up; what is given up is never called back.
   * Without it the host waits for all of its writes.
   */
  settle?(): Promise<void>;
  /** The log of a group that was created or recovered. */
  view(group: GroupNumber): LogView;
}

/** One group's log: what is in memory at once, the rest by asking. */
export interface LogView {
  readonly hardState: StoredHardState;
  /** Index of the first frame that is still there; lastIndex + 1 for an empty log. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Offset that the next record would take at the end of the log. */
  readonly nextOffset: number;
  /**
   * Term at an index in [firstIndex - 1, lastIndex], from the table of term runs; never touches
   * the disk.
   */
  term(index: number): number | "compacted" | "unavailable";
  /**
   * Ascending indexes of the configuration frames in the log, where the storage keeps them. Without
   * them a replica campaigns only once everything that it knows to be committed is applied.
   */
  readonly configIndexes?: readonly number[];
  /**
   * Frames [from, to), at least one and then at most `maxBytes`, when they are in memory.
   * "pending": they must be
   * fetched. The answer may stop short where memory ends.
   */
  frames(from: number, to: number, maxBytes: number): readonly Frame[] | "compacted" | "pending";
  /** The same from disk. Resolves with "compacted" when they were removed meanwhile. */
  fetchFrames(from: number, to: number, maxBytes: number): Promise<readonly Frame[] | "compacted">;
}
