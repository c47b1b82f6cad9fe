/**
 * What a replica must remember across restarts besides its log. `commit` is a hint, clamped to the
 * durable log.
 */
export interface StoredHardState {
  readonly term: number;
  /** Number of the replica voted for in `term`; 0 for none. */
  readonly vote: number;
  readonly commit: number;
}

/** The hard state of a replica that has never heard of a term. */
export const INITIAL_HARD_STATE: StoredHardState = { term: 0, vote: 0, commit: 0 };
