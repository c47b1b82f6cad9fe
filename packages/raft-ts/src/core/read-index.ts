import { isSingleton } from "./membership/configuration.ts";
import type { HeartbeatResponse } from "./messages.ts";
import { type ReadRequest, ReadQueue } from "./read-queue.ts";
import { broadcastHeartbeat } from "./replication.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { LeaderRole } from "./role.ts";
import type { Progress } from "./tracker/progress.ts";

/**
 * What became of a read request. `accepted`: a `ReadState` follows, or nothing when leadership is
 * lost meanwhile.
 */
export type ReadIndexResult =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: "no-leader" | "too-many-reads" };

/** Takes a read of this replica or of a follower. */
export function handleReadRequest(
  state: ReplicaState,
  leader: LeaderRole,
  request: ReadRequest,
): ReadIndexResult {
  if ((leader.reads?.size ?? 0) >= state.options.maxPendingReads) {
    return { accepted: false, reason: "too-many-reads" };
  }
  if (state.hasCommittedInTerm) {
    startRead(state, leader, request);
  } else {
    // An entry that a predecessor acknowledged may be committed without this leader knowing yet.
    leader.reads ??= new ReadQueue(leader.progress);
    leader.reads.defer(request);
  }
  return { accepted: true };
}

/** The first entry of the term is committed: reads that waited for it may start. */
export function releaseDeferredReads(state: ReplicaState, leader: LeaderRole): void {
  if (leader.reads === undefined || !state.hasCommittedInTerm) return;
  for (const request of leader.reads.takeDeferred()) startRead(state, leader, request);
}

/** A heartbeat's answer confirms this leader for the reads it names. */
export function confirmReads(
  state: ReplicaState,
  leader: LeaderRole,
  progress: Progress,
  response: HeartbeatResponse,
): void {
  if (response.readSequence === 0 || leader.reads === undefined) return;
  progress.ackedReads = Math.max(progress.ackedReads, response.readSequence);
  for (const read of leader.reads.takeConfirmed(state.confState)) answer(state, read, read.index);
}

function startRead(state: ReplicaState, leader: LeaderRole, request: ReadRequest): void {
  const index = state.log.committed;
  if (state.options.readMode === "lease" || isSingleton(state.confState)) {
    answer(state, request, index);
    return;
  }
  leader.reads ??= new ReadQueue(leader.progress);
  leader.reads.add({ from: request.from, context: request.context, index });
  const own = leader.progress.find(state.id);
  if (own !== undefined) own.ackedReads = leader.reads.sequence;
  broadcastHeartbeat(state, leader);
}

function answer(state: ReplicaState, { from, context }: ReadRequest, index: number): void {
  if (from === state.id) {
    state.readStates.push({ index, context });
    return;
  }
  state.send({
    type: "read-index-response",
    from: state.id,
    to: from,
    term: state.term,
    index,
    context,
  });
}
