import { handleApplied, handleSnapshotInstalled } from "./applying.ts";
import { stepCandidate } from "./candidate.ts";
import {
  handleVoteRequest,
  isInLease,
  learnCommit,
  maybeCampaign,
  refusePreVote,
  usualCampaign,
} from "./election.ts";
import { stepFollower, type StepOutcome } from "./follower.ts";
import { stepLeader, tickLeader } from "./leader.ts";
import type { Message, StorageAppendResponse } from "./messages.ts";
import type { ReplicaState } from "./replica-state.ts";
import { becomeFollower } from "./transitions.ts";
import { NO_REPLICA } from "./types.ts";

/** One tick of logical time. */
export function tickReplica(state: ReplicaState): void {
  retryApply(state);
  if (state.role.name === "leader") {
    tickLeader(state, state.role);
    return;
  }
  state.electionElapsed++;
  if (state.isPromotable && state.electionElapsed >= state.randomizedElectionTicks) {
    state.electionElapsed = 0;
    maybeCampaign(state, usualCampaign(state));
  }
}

/** Committed entries that were asked for and did not come are asked for again. */
function retryApply(state: ReplicaState): void {
  if (!state.log.applyIsPending) return;
  state.pendingApplyTicks++;
  if (state.pendingApplyTicks < state.options.heartbeatTicks) return;
  state.pendingApplyTicks = 0;
  state.log.applyIsPending = false;
}

/**
 * The term gate, and dispatch by role. A later term is entered before the message is handled; an
 * earlier term's message is not handled, apart from the few whose sender would otherwise stay
 * stuck. Term 0 marks messages about no term.
 */
export function stepReplica(state: ReplicaState, message: Message): StepOutcome {
  if (message.term > state.term) {
    if (!enterLaterTerm(state, message)) return "taken";
  } else if (message.term > 0 && message.term < state.term) {
    handleEarlierTerm(state, message);
    return "taken";
  }
  switch (message.type) {
    case "vote-request":
    case "pre-vote-request":
      handleVoteRequest(state, message);
      return "taken";
    case "storage-append-response":
      if (message.index > 0) state.log.unstable.stableTo(message.index, message.logTerm);
      finishSnapshot(state, message);
      return "taken";
    case "storage-apply-response":
      handleApplied(state, message.entries);
      return "taken";
    case "vote-response":
    case "pre-vote-response":
      learnCommit(state, message);
      return stepRole(state, message);
    case "append":
    case "append-response":
    case "heartbeat":
    case "heartbeat-response":
    case "snapshot":
    case "propose":
    case "transfer-leader":
    case "timeout-now":
    case "read-index":
    case "read-index-response":
    case "storage-append":
    case "storage-apply":
      return stepRole(state, message);
  }
}

function stepRole(state: ReplicaState, message: Message): StepOutcome {
  const { role } = state;
  switch (role.name) {
    case "follower":
      return stepFollower(state, message);
    case "pre-candidate":
    case "candidate":
      return stepCandidate(state, role, message);
    case "leader":
      return stepLeader(state, role, message);
  }
}

/** Whether the message is to be handled, after the term it brings was entered where that is due. */
function enterLaterTerm(state: ReplicaState, message: Message): boolean {
  switch (message.type) {
    case "pre-vote-request":
      // Asking does not move anybody's term.
      return message.force || !isInLease(state);
    case "vote-request":
      // A replica that hears from its leader is not to be disturbed by one that does not.
      if (!message.force && isInLease(state)) return false;
      becomeFollower(state, message.term, NO_REPLICA);
      return true;
    case "pre-vote-response":
      // Granted, it speaks of the term that this replica asked about. Refused, it tells a term that
      // exists.
      if (message.reject) becomeFollower(state, message.term, NO_REPLICA);
      return true;
    case "append":
    case "heartbeat":
    case "snapshot":
      becomeFollower(state, message.term, message.from);
      return true;
    case "append-response":
    case "heartbeat-response":
    case "vote-response":
    case "propose":
    case "transfer-leader":
    case "timeout-now":
    case "read-index":
    case "read-index-response":
    case "storage-append":
    case "storage-append-response":
    case "storage-apply":
    case "storage-apply-response":
      becomeFollower(state, message.term, NO_REPLICA);
      return true;
  }
}

function handleEarlierTerm(state: ReplicaState, message: Message): void {
  switch (message.type) {
    case "append":
    case "heartbeat":
      // With pre-vote or check-quorum a vote request of this replica may be ignored for ever,
      // because the others follow a leader of an earlier term. Telling that leader of the later
      // term frees this replica.
      if (state.options.checkQuorum || state.options.preVote) state.acknowledge(message.from, 0);
      return;
    case "pre-vote-request":
      refusePreVote(state, message);
      return;
    case "storage-append-response":
      // What was durable may have been overwritten in the meantime by a write that is still in
      // flight, so entries do not count; a later response vouches for them again. A snapshot is
      // committed state in any term.
      finishSnapshot(state, message);
      return;
    case "append-response":
    case "heartbeat-response":
    case "vote-request":
    case "vote-response":
    case "pre-vote-response":
    case "snapshot":
    case "propose":
    case "transfer-leader":
    case "timeout-now":
    case "read-index":
    case "read-index-response":
    case "storage-append":
    case "storage-apply":
    case "storage-apply-response":
      return;
  }
}

function finishSnapshot(state: ReplicaState, response: StorageAppendResponse): void {
  if (response.snapshot !== undefined) handleSnapshotInstalled(state, response.snapshot.index);
}
