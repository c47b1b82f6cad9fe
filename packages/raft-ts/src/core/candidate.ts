import { handleVoteResponse } from "./election.ts";
import { handleLeaderMessage, type StepOutcome } from "./follower.ts";
import type { Message } from "./messages.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { CandidateRole } from "./role.ts";
import { becomeFollower } from "./transitions.ts";

/** One message of this term, for a candidate or a pre-candidate. */
export function stepCandidate(
  state: ReplicaState,
  candidate: CandidateRole,
  message: Message,
): StepOutcome {
  switch (message.type) {
    case "append":
    case "heartbeat":
    case "snapshot":
      // Somebody else won this term.
      becomeFollower(state, message.term, message.from);
      handleLeaderMessage(state, message);
      return "taken";
    case "vote-response":
      if (candidate.name === "candidate") handleVoteResponse(state, candidate, message);
      return "taken";
    case "pre-vote-response":
      // A late answer to the pre-vote that led to this candidacy says nothing about it.
      if (candidate.name === "pre-candidate") handleVoteResponse(state, candidate, message);
      return "taken";
    case "propose":
      return "proposal-dropped";
    case "append-response":
    case "heartbeat-response":
    case "vote-request":
    case "pre-vote-request":
    case "transfer-leader":
    case "timeout-now":
    case "read-index":
    case "read-index-response":
    case "storage-append":
    case "storage-append-response":
    case "storage-apply":
    case "storage-apply-response":
      return "taken";
  }
}
