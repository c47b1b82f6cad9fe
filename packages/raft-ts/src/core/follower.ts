import { maybeCampaign } from "./election.ts";
import type { AppendMessage, HeartbeatMessage, Message, SnapshotMessage } from "./messages.ts";
import type { ReplicaState } from "./replica-state.ts";
import { handleSnapshot } from "./snapshotting.ts";
import { NO_REPLICA } from "./types.ts";

/** A message from the leader of this term. */
export type LeaderMessage = AppendMessage | HeartbeatMessage | SnapshotMessage;

/** Whether the message was taken, or holds a proposal that nobody here takes. */
export type StepOutcome = "taken" | "proposal-dropped";

/** One message of this term, for a follower. */
export function stepFollower(state: ReplicaState, message: Message): StepOutcome {
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      state.electionElapsed = 0;
      state.leader = message.from;
      handleLeaderMessage(state, message);
      return "taken";
    case "propose":
      if (state.leader === NO_REPLICA || state.options.disableProposalForwarding) {
        return "proposal-dropped";
      }
      state.send({ ...message, to: state.leader });
      return "taken";
    case "transfer-leader":
      if (state.leader !== NO_REPLICA) {
        state.send({ ...message, to: state.leader, term: state.term });
      }
      return "taken";
    case "read-index":
      if (state.leader !== NO_REPLICA) state.send({ ...message, to: state.leader });
      return "taken";
    case "read-index-response":
      state.readStates.push({ index: message.index, context: message.context });
      return "taken";
    case "timeout-now":
      // The leader wants this, and it is no sign of a partition: no pre-vote, and no lease stands
      // in the way.
      maybeCampaign(state, "forced");
      return "taken";
    case "append-response":
    case "heartbeat-response":
    case "vote-request":
    case "pre-vote-request":
    case "vote-response":
    case "pre-vote-response":
    case "storage-append":
    case "storage-append-response":
    case "storage-apply":
    case "storage-apply-response":
      return "taken";
  }
}

/** What a leader sends, for a replica that follows it. */
export function handleLeaderMessage(state: ReplicaState, message: LeaderMessage): void {
  switch (message.type) {
    case "append":
      return handleAppend(state, message);
    case "snapshot":
      return handleSnapshot(state, message);
    case "heartbeat":
      state.log.commitTo(message.commit);
      return state.send({
        type: "heartbeat-response",
        from: state.id,
        to: message.from,
        term: state.term,
        readSequence: message.readSequence,
      });
  }
}

function handleAppend(state: ReplicaState, message: AppendMessage): void {
  const { log } = state;
  const { prevIndex, prevTerm, entries } = message;
  if (prevIndex < log.committed) {
    // What is committed matches by definition; tell the leader to go on from there.
    state.acknowledge(message.from, log.committed);
    return;
  }
  if (log.maybeAppend(prevIndex, prevTerm, entries)) {
    const lastIndex = prevIndex + entries.length;
    log.commitTo(Math.min(message.commit, lastIndex));
    state.acknowledge(message.from, lastIndex);
    return;
  }
  // The leader's log has no term above prevTerm up to prevIndex, so positions here that do cannot
  // match.
  const hint = log.lastPossibleMatch(Math.min(prevIndex, log.lastIndex), prevTerm);
  state.sendAfterAppend({
    type: "append-response",
    from: state.id,
    to: message.from,
    term: state.term,
    index: prevIndex,
    reject: true,
    hintIndex: hint.index,
    hintTerm: hint.term,
  });
}
