import type { Mutant } from "../mutant.ts";

/** One-line bugs that implementations of Raft have had, planted in ours. Each must be found by the tests. */
export const PLANTED_IN_RAFT: readonly Mutant[] = [];
