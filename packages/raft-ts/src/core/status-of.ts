import type { ReplicaState } from "./replica-state.ts";
import type { BasicStatus, ProgressStatus, Status } from "./status.ts";
import type { Progress } from "./tracker/progress.ts";
import { NO_REPLICA } from "./types.ts";

/** State of a replica without what costs time to gather. */
export function basicStatusOf(state: ReplicaState): BasicStatus {
  return {
    id: state.id,
    term: state.term,
    vote: state.vote,
    commit: state.log.committed,
    applied: state.log.applied,
    role: state.role.name,
    leader: state.leader,
    transferee: state.role.name === "leader" ? state.role.transferee : NO_REPLICA,
  };
}

/** The whole state of a replica, as a copy. */
export function statusOf(state: ReplicaState): Status {
  return {
    ...basicStatusOf(state),
    lastIndex: state.log.lastIndex,
    confState: state.confState,
    progress: state.role.name === "leader" ? state.role.progress.items.map(progressStatusOf) : [],
  };
}

function progressStatusOf(progress: Progress): ProgressStatus {
  return {
    id: progress.id,
    state: progress.state,
    match: progress.match,
    next: progress.next,
    isLearner: progress.isLearner,
    recentActive: progress.recentActive,
    isPaused: progress.isPaused,
    inflightCount: progress.inflights.count,
    isInflightFull: progress.inflights.isFull,
    pendingSnapshot: progress.pendingSnapshot,
  };
}
