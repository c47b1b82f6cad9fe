import { assert } from "../assert.ts";
import { maybeCommit } from "../commit.ts";
import type { ReplicaState } from "../replica-state.ts";
import { broadcastAppend, maybeSendAppend } from "../replication.ts";
import { becomeFollower } from "../transitions.ts";
import { type ConfChange, type ConfState, NO_REPLICA, type ReplicaId } from "../types.ts";
import { changeConfiguration } from "./changer.ts";
import { isVoter } from "./configuration.ts";

/**
 * Makes a committed change effective. A change that does not fit stops the replica: its log or its
 * history is wrong.
 */
export function applyConfChange(state: ReplicaState, change: ConfChange): ConfState {
  const outcome = changeConfiguration(state.confState, change);
  assert(
    outcome.ok,
    `committed configuration change cannot be applied: ${outcome.ok ? "" : outcome.reason}`,
  );
  switchConfiguration(state, outcome.confState, outcome.added);
  return outcome.confState;
}

/** Uses a configuration from now on; `added` replicas start from nothing. */
export function switchConfiguration(
  state: ReplicaState,
  confState: ConfState,
  added: readonly ReplicaId[],
): void {
  state.confState = confState;
  const leader = state.role;
  if (leader.name !== "leader") return;
  leader.progress.reconfigure(confState, added, state.log.lastIndex);
  if (!isVoter(confState, state.id)) {
    // Without stepping down it leads on, not counting itself, until somebody else is elected
    // (thesis, section 4.2.2).
    if (state.options.stepDownOnRemoval) becomeFollower(state, state.term, NO_REPLICA);
    return;
  }
  if (maybeCommit(state, leader)) {
    broadcastAppend(state, leader);
  } else {
    // A replica that was just added need not wait for the next heartbeat.
    for (const progress of leader.progress.items) {
      if (progress.id !== state.id) maybeSendAppend(state, progress, "if-not-empty");
    }
  }
  if (!isVoter(confState, leader.transferee)) leader.transferee = NO_REPLICA;
}
