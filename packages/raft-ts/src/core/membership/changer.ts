import type { ConfChange, ConfChangeStep, ConfState, ReplicaId } from "../types.ts";
import { NO_REPLICA } from "../types.ts";
import { changeMode, checkConfState, isJoint, sortedIds } from "./configuration.ts";

/** Why a change does not fit a configuration. */
export type ChangeRefusal =
  | "already-joint"
  | "not-joint"
  | "joint-needs-voters"
  | "no-voters-left"
  | "more-than-one-voter";

/**
 * A changed configuration, with the replicas that were not (or no longer) members when the change
 * added them.
 */
export type ChangeOutcome =
  | { readonly ok: true; readonly confState: ConfState; readonly added: readonly ReplicaId[] }
  | { readonly ok: false; readonly reason: ChangeRefusal };

/**
 * The configuration after `change`, in one step or into or out of a joint configuration as the
 * change says.
 */
export function changeConfiguration(confState: ConfState, change: ConfChange): ChangeOutcome {
  switch (changeMode(change)) {
    case "leave-joint":
      return leaveJoint(confState);
    case "enter-joint":
      return enterJoint(confState, change.transition !== "joint-explicit", change.changes);
    case "simple":
      return changeSimply(confState, change.changes);
  }
}

/**
 * Changes at most one voter, and any number of learners, without a joint configuration (thesis,
 * section 4.1).
 */
export function changeSimply(
  confState: ConfState,
  steps: readonly ConfChangeStep[],
): ChangeOutcome {
  if (isJoint(confState)) return { ok: false, reason: "already-joint" };
  const draft = new Draft(confState, confState.votersOutgoing);
  draft.applyAll(steps);
  if (draft.voters.size === 0) return { ok: false, reason: "no-voters-left" };
  if (countDifference(confState.voters, draft.voters) > 1) {
    return { ok: false, reason: "more-than-one-voter" };
  }
  return draft.finish(false);
}

/**
 * Starts a change of any size: from here on both the old and the new voters must agree (thesis,
 * section 4.3).
 */
export function enterJoint(
  confState: ConfState,
  autoLeave: boolean,
  steps: readonly ConfChangeStep[],
): ChangeOutcome {
  if (isJoint(confState)) return { ok: false, reason: "already-joint" };
  if (confState.voters.length === 0) return { ok: false, reason: "joint-needs-voters" };
  const draft = new Draft(confState, confState.voters);
  draft.applyAll(steps);
  if (draft.voters.size === 0) return { ok: false, reason: "no-voters-left" };
  return draft.finish(autoLeave);
}

/** Ends a joint configuration: the new voters decide alone, and demoted voters become learners. */
export function leaveJoint(confState: ConfState): ChangeOutcome {
  if (!isJoint(confState)) return { ok: false, reason: "not-joint" };
  const left: ConfState = {
    voters: confState.voters,
    learners: sortedIds([...confState.learners, ...confState.learnersNext]),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
  checkConfState(left);
  return { ok: true, confState: left, added: [] };
}

/**
 * A configuration under change. Steps touch the incoming voters and the learners, never the
 * outgoing voters.
 */
class Draft {
  readonly voters: Set<ReplicaId>;
  readonly #outgoing: ReadonlySet<ReplicaId>;
  readonly #learners: Set<ReplicaId>;
  readonly #learnersNext: Set<ReplicaId>;
  readonly #added = new Set<ReplicaId>();

  constructor(from: ConfState, outgoing: readonly ReplicaId[]) {
    this.voters = new Set(from.voters);
    this.#outgoing = new Set(outgoing);
    this.#learners = new Set(from.learners);
    this.#learnersNext = new Set(from.learnersNext);
  }

  applyAll(steps: readonly ConfChangeStep[]): void {
    for (const step of steps) {
      // An application may blank a step that it decides not to carry out.
      if (step.replica !== NO_REPLICA) this.#apply(step);
    }
  }

  finish(autoLeave: boolean): ChangeOutcome {
    const confState: ConfState = {
      voters: sortedIds(this.voters),
      learners: sortedIds(this.#learners),
      votersOutgoing: sortedIds(this.#outgoing),
      learnersNext: sortedIds(this.#learnersNext),
      autoLeave,
    };
    checkConfState(confState);
    return { ok: true, confState, added: sortedIds(this.#added) };
  }

  #apply({ kind, replica }: ConfChangeStep): void {
    switch (kind) {
      case "add-voter":
        return this.#makeVoter(replica);
      case "add-learner":
        return this.#makeLearner(replica);
      case "remove":
        return this.#remove(replica);
      case "update":
        return;
    }
  }

  #isMember(id: ReplicaId): boolean {
    return this.voters.has(id) || this.#outgoing.has(id) || this.#learners.has(id);
  }

  #makeVoter(id: ReplicaId): void {
    if (!this.#isMember(id)) this.#added.add(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    this.voters.add(id);
  }

  #makeLearner(id: ReplicaId): void {
    if (!this.#isMember(id)) this.#added.add(id);
    this.voters.delete(id);
    // An outgoing voter keeps its vote until the joint configuration is left; it cannot be a
    // learner before.
    if (this.#outgoing.has(id)) this.#learnersNext.add(id);
    else this.#learners.add(id);
  }

  #remove(id: ReplicaId): void {
    this.voters.delete(id);
    this.#learners.delete(id);
    this.#learnersNext.delete(id);
    if (!this.#isMember(id)) this.#added.delete(id);
  }
}

function countDifference(before: readonly ReplicaId[], after: ReadonlySet<ReplicaId>): number {
  const removed = before.filter((id) => !after.has(id)).length;
  const kept = before.length - removed;
  return removed + (after.size - kept);
}
