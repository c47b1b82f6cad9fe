import { CodedError, type ErrorDetails, replicaIdentity } from "@stratalog/base";
import { checkLeaderEpoch } from "../core/leader-epochs.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Where to go instead: the leader as this replica knows it. */
function leaderHint(state: ReplicaState): ErrorDetails {
  const { leader, term, self } = state.replication;
  const place = { topic: state.topic, partition: state.partition, leaderEpoch: term };
  if (leader === undefined || leader === 0 || leader === self) return place;
  return { ...place, leaderId: replicaIdentity(leader).brokerId };
}

/** This replica does not lead. */
export function notLeader(state: ReplicaState): CodedError {
  const hint = leaderHint(state);
  const whereTo =
    "leaderId" in hint ? `broker ${hint["leaderId"]} leads it` : "it has no leader yet";
  return new CodedError("NOT_LEADER", `not the leader of ${state.name}; ${whereTo}`, {
    details: hint,
  });
}

/** The replica was closed: its topic is gone or its broker stops. */
export function replicaClosed(state: ReplicaState): CodedError {
  return new CodedError("NOT_LEADER", `the replica of ${state.name} here was closed; ask again`);
}

/** Leadership ended between proposal and commit. */
export function outcomeUnknown(state: ReplicaState): CodedError {
  return new CodedError(
    "OUTCOME_UNKNOWN",
    `leadership of ${state.name} moved while the batch was in flight; it may be stored: send it again ` +
      "with the same producer id and sequence",
    { details: state.isClosed ? {} : leaderHint(state) },
  );
}

/** An offset outside the partition, with the valid range. */
export function offsetOutOfRange(state: ReplicaState, offset: number): CodedError {
  const { logStartOffset } = state.log;
  const { highWatermark } = state;
  return new CodedError(
    "OFFSET_OUT_OF_RANGE",
    `offset ${offset} of ${state.name} is out of range: it holds [${logStartOffset}, ${highWatermark})`,
    { details: { offset, logStartOffset, highWatermark, endOffset: highWatermark } },
  );
}

/** Throws unless this replica leads in the epoch that the client knows (if it says one). */
export function checkLeader(state: ReplicaState, clientEpoch: number | undefined): void {
  if (state.isClosed) throw replicaClosed(state);
  const { replication } = state;
  if (replication.role !== "leader") throw notLeader(state);
  const verdict = checkLeaderEpoch(clientEpoch, replication.term);
  if (verdict === "same") return;
  const details = { ...leaderHint(state), clientEpoch: clientEpoch ?? -1 };
  const message = `${state.name} is in leader epoch ${replication.term}, the request in ${clientEpoch}`;
  if (verdict === "client-is-older") {
    throw new CodedError("FENCED_LEADER_EPOCH", `${message}: refresh metadata`, { details });
  }
  throw new CodedError("UNKNOWN_LEADER_EPOCH", `${message}: a newer leader exists`, { details });
}
