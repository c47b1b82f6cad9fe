import type { ReadQueue } from "./read-queue.ts";
import type { ProgressList } from "./tracker/progress-list.ts";
import type { VoteTally } from "./tracker/vote-tally.ts";
import type { ReplicaId } from "./types.ts";

/** Follows whoever leads, or waits for somebody to. */
export interface FollowerRole {
  readonly name: "follower";
}

/**
 * Asks for votes: as pre-candidate whether it would get them, without a new term; as candidate for
 * real.
 */
export interface CandidateRole {
  readonly name: "pre-candidate" | "candidate";
  readonly votes: VoteTally;
}

/** Leads its term. What only a leader knows lives here and ends with the role. */
export interface LeaderRole {
  readonly name: "leader";
  readonly progress: ProgressList;
  heartbeatElapsed: number;
  /** Who shall lead next; `NO_REPLICA` when no transfer is under way. */
  transferee: ReplicaId;
  /**
   * No configuration change is proposed before the applied index has reached it. At or above the
   * index of the last configuration entry in the log.
   */
  pendingConfIndex: number;
  /** Payload bytes proposed in this term and not applied; may be too low, never too high. */
  uncommittedBytes: number;
  /** Own entries that the followers were not sent yet; see `RaftOptions.coalesceAppends`. */
  hasUnsentAppends: boolean;
  /** Reads that wait for a quorum; made with the first one. */
  reads: ReadQueue | undefined;
}

/** What a replica is in its term. */
export type Role = FollowerRole | CandidateRole | LeaderRole;

/** A follower has no state of its own, so all share one. */
export const FOLLOWER: FollowerRole = { name: "follower" };
