import { jointCommitted } from "./quorum/joint.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { LeaderRole } from "./role.ts";

/**
 * Raises the commit index to what a quorum has, if that entry is of the leader's own term: an
 * earlier leader's entry on a majority may still be replaced (Raft paper, section 5.4.2). Whether
 * it rose; then everyone should be told.
 */
export function maybeCommit(state: ReplicaState, leader: LeaderRole): boolean {
  const index = jointCommitted(state.confState, leader.progress);
  return (
    index > state.log.committed && state.log.matches(index, state.term) && state.log.commitTo(index)
  );
}
