import { assert } from "../assert.ts";
import type { ConfChange, ConfState, ReplicaId } from "../types.ts";

/*
 * Questions about a configuration. Lists of a configuration in force are ascending, without
 * duplicates, and:
 * - a learner is a voter of neither half;
 * - `learnersNext` are outgoing voters;
 * - a configuration that is not joint has no `learnersNext` and does not leave automatically.
 */

export function isJoint(confState: ConfState): boolean {
  return confState.votersOutgoing.length > 0;
}

/** Voter of either half. */
export function isVoter(confState: ConfState, id: ReplicaId): boolean {
  return confState.voters.includes(id) || confState.votersOutgoing.includes(id);
}

export function isLearner(confState: ConfState, id: ReplicaId): boolean {
  return confState.learners.includes(id);
}

export function isMember(confState: ConfState, id: ReplicaId): boolean {
  return isVoter(confState, id) || isLearner(confState, id);
}

/** One voter decides alone. */
export function isSingleton(confState: ConfState): boolean {
  return confState.voters.length === 1 && confState.votersOutgoing.length === 0;
}

/** Voters of both halves, ascending. */
export function voterIds(confState: ConfState): readonly ReplicaId[] {
  if (confState.votersOutgoing.length === 0) return confState.voters;
  return sortedIds([...confState.voters, ...confState.votersOutgoing]);
}

/** Everyone, ascending. */
export function memberIds(confState: ConfState): readonly ReplicaId[] {
  if (confState.votersOutgoing.length === 0 && confState.learners.length === 0) {
    return confState.voters;
  }
  return sortedIds([...confState.voters, ...confState.votersOutgoing, ...confState.learners]);
}

/** Ascending and without duplicates. */
export function sortedIds(ids: Iterable<ReplicaId>): ReplicaId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/**
 * How a change is carried out, by what it asks for: more than one step always goes through a joint
 * configuration.
 */
export function changeMode(change: ConfChange): "simple" | "enter-joint" | "leave-joint" {
  if (change.transition !== "auto" || change.changes.length > 1) return "enter-joint";
  return change.changes.length === 0 ? "leave-joint" : "simple";
}

/** Puts a stored configuration into the form above. Stops on one that no change could have made. */
export function restoreConfState(stored: ConfState): ConfState {
  const confState: ConfState = {
    voters: sortedIds(stored.voters),
    learners: sortedIds(stored.learners),
    votersOutgoing: sortedIds(stored.votersOutgoing),
    learnersNext: sortedIds(stored.learnersNext),
    autoLeave: stored.autoLeave,
  };
  checkConfState(confState);
  return confState;
}

/** Asserts the rules at the top of this file. */
export function checkConfState(confState: ConfState): void {
  for (const id of confState.learners) {
    assert(!isVoter(confState, id), `replica ${id} is both learner and voter`);
  }
  for (const id of confState.learnersNext) {
    assert(
      confState.votersOutgoing.includes(id),
      `replica ${id} is to become a learner but is no outgoing voter`,
    );
    assert(!confState.voters.includes(id), `replica ${id} is to be voter and learner at once`);
  }
  assert(
    isJoint(confState) || (confState.learnersNext.length === 0 && !confState.autoLeave),
    "a configuration that is not joint has nothing to leave",
  );
}
