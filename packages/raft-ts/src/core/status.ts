import type { ConfState, HardState, ReplicaId, RoleName } from "./types.ts";

/** How a leader feeds a follower. */
export type ProgressState = "probe" | "replicate" | "snapshot";

/** What a leader knows of one replica. */
export interface ProgressStatus {
  readonly id: ReplicaId;
  readonly state: ProgressState;
  /** Highest index known to be durable there. */
  readonly match: number;
  /** Index of the next entry to send. */
  readonly next: number;
  readonly isLearner: boolean;
  /** Heard from since the last quorum check. */
  readonly recentActive: boolean;
  readonly isPaused: boolean;
  readonly inflightCount: number;
  /** No more messages fit before one is acknowledged. */
  readonly isInflightFull: boolean;
  /** Index of the snapshot on its way; 0 for none. */
  readonly pendingSnapshot: number;
}

/** State of a replica without what costs time to gather. */
export interface BasicStatus extends HardState {
  readonly id: ReplicaId;
  readonly role: RoleName;
  readonly leader: ReplicaId;
  readonly applied: number;
  /** Target of a leadership transfer under way; `NO_REPLICA` for none. */
  readonly transferee: ReplicaId;
}

/** State of a replica. `progress` is empty unless it leads. */
export interface Status extends BasicStatus {
  readonly lastIndex: number;
  readonly confState: ConfState;
  readonly progress: readonly ProgressStatus[];
}
