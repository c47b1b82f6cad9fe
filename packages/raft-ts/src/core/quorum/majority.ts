import type { ReplicaId } from "../types.ts";

/** Where the acknowledged index of each voter is looked up. */
export interface AckedIndexes {
  /** `undefined` when nothing was ever heard from the voter. */
  ackedIndex(id: ReplicaId): number | undefined;
}

/** Where the vote of each voter is looked up. */
export interface Votes {
  /** `undefined` for a voter that did not answer yet. */
  voteOf(id: ReplicaId): boolean | undefined;
}

/** State of an election in one set of voters. */
export type VoteResult = "pending" | "lost" | "won";

/** How many of `voterCount` voters decide. */
export function quorumSize(voterCount: number): number {
  return Math.floor(voterCount / 2) + 1;
}

/**
 * The highest index that a majority has acknowledged, 0 for none. Infinity for the empty set, which
 * agrees with everything so that it can be half of a joint configuration.
 *
 * Quadratic in the replication factor, and in exchange without a sort or an allocation.
 */
export function majorityCommitted(voters: readonly ReplicaId[], acked: AckedIndexes): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const quorum = quorumSize(voters.length);
  let committed = 0;
  for (const voter of voters) {
    const candidate = acked.ackedIndex(voter) ?? 0;
    if (candidate <= committed) continue;
    let count = 0;
    for (const other of voters) {
      if ((acked.ackedIndex(other) ?? 0) >= candidate) count++;
    }
    if (count >= quorum) committed = candidate;
  }
  return committed;
}

/** Counts the votes. The empty set elects everyone, for the same reason as above. */
export function majorityVote(voters: readonly ReplicaId[], votes: Votes): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let missing = 0;
  for (const voter of voters) {
    const vote = votes.voteOf(voter);
    if (vote === undefined) missing++;
    else if (vote) granted++;
  }
  const quorum = quorumSize(voters.length);
  if (granted >= quorum) return "won";
  return granted + missing >= quorum ? "pending" : "lost";
}
