import type { SegmentFacts } from "../core/retention.ts";

/**
 * What a partition reads of its log; log-store's `GroupLog` fits. Offsets are record offsets,
 * ends are exclusive.
 */
export interface ReplicaLog {
  /** Index of the first entry that is still there. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly hardState: { readonly commit: number };
  /** Offset that the next record would take, uncommitted entries counted. */
  readonly nextOffset: number;
  readonly logStartOffset: number;
  /** Bytes on disk and in memory. */
  readonly sizeBytes: number;
  /** Records below are gone; whole segments below are deleted later. Never moves back. */
  setLogStart(offset: number): void;
  /**
   * Whole batches from the one that holds `fromOffset`, below `endOffset`; at least one when there
   * is one, then at most
   * `maxBytes`. Answers in the same turn when all of it is in memory.
   */
  readBatches(range: ReadRange): LogRead | Promise<LogRead>;
  /** The first record below `endOffset` whose timestamp is at or after the one asked for. */
  findByTimestamp(
    timestampMs: number,
    endOffset: number,
  ): Promise<{ readonly offset: number; readonly timestampMs: number } | undefined>;
  /** Its files, oldest first; the last one is being written. */
  segments(): readonly SegmentFacts[];
  /** Where each term starts, in order. */
  termRuns(): readonly TermRun[];
}

export interface ReadRange {
  readonly fromOffset: number;
  readonly endOffset: number;
  readonly maxBytes: number;
}

export type LogRead =
  | {
      readonly kind: "batches";
      readonly batches: readonly Uint8Array[];
      readonly bytes: number;
      readonly nextOffset: number;
    }
  | { readonly kind: "below-log-start" };

/** The entries of one term: `[startIndex, …)` by index, `[startOffset, …)` by record offset. */
export interface TermRun {
  readonly term: number;
  readonly startIndex: number;
  readonly startOffset: number;
}
