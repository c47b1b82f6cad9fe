import type { ReplicaId } from "../types.ts";
import {
  type AckedIndexes,
  majorityCommitted,
  majorityVote,
  type VoteResult,
  type Votes,
} from "./majority.ts";

/**
 * Two sets of voters that must both agree. A configuration that is not joint has no outgoing
 * voters.
 */
export interface JointVoters {
  readonly voters: readonly ReplicaId[];
  readonly votersOutgoing: readonly ReplicaId[];
}

/** The highest index that a majority of each half has acknowledged. */
export function jointCommitted(config: JointVoters, acked: AckedIndexes): number {
  return Math.min(
    majorityCommitted(config.voters, acked),
    majorityCommitted(config.votersOutgoing, acked),
  );
}

/** An election is won in both halves and lost in either. */
export function jointVote(config: JointVoters, votes: Votes): VoteResult {
  const incoming = majorityVote(config.voters, votes);
  const outgoing = majorityVote(config.votersOutgoing, votes);
  if (incoming === outgoing) return incoming;
  return incoming === "lost" || outgoing === "lost" ? "lost" : "pending";
}
