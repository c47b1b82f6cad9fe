/** What a replicated state machine asks of its log. */
export interface StateLog {
  /** Entries up to the index may go: a durable snapshot has what they said. */
  dropPrefix(index: number): void;
  /** When to begin another file. Only whole files go, so theirs are small. */
  segmentBytes: number;
}

/** Size of the files of a state machine's log. */
const STATE_SEGMENT_BYTES = 16_777_216;

/** Makes a log's files small enough that dropping a prefix frees something. */
export function useSmallSegments(log: StateLog): void {
  log.segmentBytes = STATE_SEGMENT_BYTES;
}
