import { maybeCommit } from "./commit.ts";
import type { StepOutcome } from "./follower.ts";
import { isVoter } from "./membership/configuration.ts";
import type { AppendResponse, HeartbeatResponse, Message } from "./messages.ts";
import { proposeAsLeader } from "./proposals.ts";
import { jointVote } from "./quorum/joint.ts";
import { confirmReads, handleReadRequest, releaseDeferredReads } from "./read-index.ts";
import type { ReplicaState } from "./replica-state.ts";
import {
  broadcastAppend,
  broadcastHeartbeat,
  maybeSendAppend,
  retryPendingReads,
  sendAppends,
} from "./replication.ts";
import type { LeaderRole } from "./role.ts";
import type { Progress } from "./tracker/progress.ts";
import { becomeFollower } from "./transitions.ts";
import { NO_REPLICA, type ReplicaId } from "./types.ts";

/** One message of this term, for the leader. */
export function stepLeader(state: ReplicaState, leader: LeaderRole, message: Message): StepOutcome {
  switch (message.type) {
    case "append-response":
      handleAppendResponse(state, leader, message);
      return "taken";
    case "heartbeat-response":
      handleHeartbeatResponse(state, leader, message);
      return "taken";
    case "propose":
      return proposeAsLeader(state, leader, message.entries).accepted
        ? "taken"
        : "proposal-dropped";
    case "read-index":
      handleReadRequest(state, leader, message);
      return "taken";
    case "transfer-leader":
      startTransfer(state, leader, message.from);
      return "taken";
    case "append":
    case "heartbeat":
    case "snapshot":
    case "vote-request":
    case "pre-vote-request":
    case "vote-response":
    case "pre-vote-response":
    case "timeout-now":
    case "read-index-response":
    case "storage-append":
    case "storage-append-response":
    case "storage-apply":
    case "storage-apply-response":
      return "taken";
  }
}

/**
 * One tick of a leader: the quorum check once per election timeout, heartbeats at their own pace.
 */
export function tickLeader(state: ReplicaState, leader: LeaderRole): void {
  leader.heartbeatElapsed++;
  state.electionElapsed++;
  if (state.electionElapsed >= state.options.electionTicks) {
    state.electionElapsed = 0;
    if (state.options.checkQuorum && !isQuorumActive(state, leader)) {
      becomeFollower(state, state.term, NO_REPLICA);
      return;
    }
    // The target did not take over in time; lead on.
    leader.transferee = NO_REPLICA;
  }
  if (leader.heartbeatElapsed >= state.options.heartbeatTicks) {
    leader.heartbeatElapsed = 0;
    broadcastHeartbeat(state, leader);
    retryPendingReads(state, leader, "all");
  }
}

/** Whether a quorum was heard from since the last check, which starts over. */
function isQuorumActive(state: ReplicaState, leader: LeaderRole): boolean {
  const result = jointVote(state.confState, leader.progress);
  for (const progress of leader.progress.items) {
    if (progress.id !== state.id) progress.recentActive = false;
  }
  return result === "won";
}

function handleAppendResponse(
  state: ReplicaState,
  leader: LeaderRole,
  response: AppendResponse,
): void {
  const progress = leader.progress.find(response.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  if (response.reject) handleRejection(state, progress, response);
  else handleAcknowledgement(state, leader, { progress, index: response.index });
}

/**
 * The follower's log ends differently. Its hint is where it may match; since terms never decrease
 * along a log, positions of this log with a term above the hint's cannot match either. So there is
 * at most one probe per term (Raft paper, end of section 5.3).
 */
function handleRejection(
  state: ReplicaState,
  progress: Progress,
  { index, hintIndex, hintTerm }: AppendResponse,
): void {
  const match = hintTerm > 0 ? state.log.lastPossibleMatch(hintIndex, hintTerm).index : hintIndex;
  if (!progress.maybeDecreaseTo(index, match)) return;
  if (progress.state === "replicate") progress.becomeProbe();
  maybeSendAppend(state, progress, "even-if-empty");
}

function handleAcknowledgement(
  state: ReplicaState,
  leader: LeaderRole,
  { progress, index }: { readonly progress: Progress; readonly index: number },
): void {
  // A probe's answer may tell nothing new and still prove that the follower can be streamed to.
  const endsProbe = progress.match === index && progress.state === "probe";
  if (!progress.maybeUpdate(index) && !endsProbe) return;
  const isOther = progress.id !== state.id;
  if (progress.state === "probe") {
    progress.becomeReplicate();
  } else if (progress.state === "replicate") {
    progress.inflights.freeThrough(index);
  } else if (progress.match + 1 >= state.log.firstIndex) {
    // Whatever snapshot it got, and from whom: the log goes on from there.
    progress.becomeProbe();
    progress.becomeReplicate();
  }
  if (maybeCommit(state, leader)) {
    releaseDeferredReads(state, leader);
    broadcastAppend(state, leader);
  } else if (isOther && progress.canBumpCommit(state.log.committed)) {
    maybeSendAppend(state, progress, "even-if-empty");
  }
  if (!isOther) return;
  // The window has room again.
  sendAppends(state, progress);
  if (progress.id === leader.transferee && progress.match === state.log.lastIndex) {
    sendTimeoutNow(state, progress.id);
  }
}

function handleHeartbeatResponse(
  state: ReplicaState,
  leader: LeaderRole,
  response: HeartbeatResponse,
): void {
  const progress = leader.progress.find(response.from);
  if (progress === undefined) return;
  progress.recentActive = true;
  progress.isFlowPaused = false;
  // Entries in flight may be lost, so even a full window is probed with an empty append, and so is
  // a follower whose probe was answered by nothing.
  if (progress.match < state.log.lastIndex || progress.state === "probe") {
    maybeSendAppend(state, progress, "even-if-empty");
  }
  confirmReads(state, leader, progress, response);
}

/** Hands over to `to` once its log is complete (thesis, section 3.10). */
export function startTransfer(state: ReplicaState, leader: LeaderRole, to: ReplicaId): void {
  const progress = leader.progress.find(to);
  if (progress === undefined || !isVoter(state.confState, to)) return;
  if (leader.transferee === to) return;
  leader.transferee = NO_REPLICA;
  if (to === state.id) return;
  leader.transferee = to;
  // It has one election timeout to finish.
  state.electionElapsed = 0;
  if (progress.match === state.log.lastIndex) sendTimeoutNow(state, to);
  else maybeSendAppend(state, progress, "even-if-empty");
}

/** The transport lost a message: what was in flight is probably lost too. */
export function handleUnreachable(leader: LeaderRole, id: ReplicaId): void {
  const progress = leader.progress.find(id);
  if (progress?.state === "replicate") progress.becomeProbe();
}

/**
 * Sending a snapshot ended. Delivered: probe after it, once the follower's own answer or a
 * heartbeat's allows. Failed: try again after a heartbeat's answer.
 */
export function handleSnapshotOutcome(
  leader: LeaderRole,
  id: ReplicaId,
  outcome: "delivered" | "failed",
): void {
  const progress = leader.progress.find(id);
  if (progress?.state !== "snapshot") return;
  if (outcome === "failed") progress.pendingSnapshot = 0;
  progress.becomeProbe();
  progress.isFlowPaused = true;
}

function sendTimeoutNow(state: ReplicaState, to: ReplicaId): void {
  state.send({ type: "timeout-now", from: state.id, to, term: state.term });
}
