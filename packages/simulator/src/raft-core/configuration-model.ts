import type { ConfChange, ConfState, ReplicaId } from "raft-ts";

/*
 * Configurations as the rules see them, written a second time on purpose: a mistake in the core's
 * arithmetic must not be its own measure. From sections 4.1 and 4.3 of the thesis, and the
 * library's own rule that a demoted voter becomes a learner when the joint configuration is left.
 */

function ascending(ids: Iterable<ReplicaId>): ReplicaId[] {
  return [...new Set(ids)].sort((a, b) => a - b);
}

/** The configuration after a committed change; undefined for one that does not fit. */
export function modelChange(before: ConfState, change: ConfChange): ConfState | undefined {
  const isJoint = before.votersOutgoing.length > 0;
  const { changes: steps, transition } = change;
  if (steps.length === 0 && transition === "auto") return isJoint ? leave(before) : undefined;
  if (isJoint) return undefined;
  const entersJoint = transition !== "auto" || steps.length > 1;
  const voters = new Set(before.voters);
  const learners = new Set(before.learners);
  const next = new Set<ReplicaId>();
  const outgoing = entersJoint ? before.voters : [];
  for (const { kind, replica } of steps) {
    if (kind === "update") continue;
    voters.delete(replica);
    learners.delete(replica);
    next.delete(replica);
    if (kind === "add-voter") voters.add(replica);
    if (kind === "add-learner") (outgoing.includes(replica) ? next : learners).add(replica);
  }
  return {
    voters: ascending(voters),
    learners: ascending(learners),
    votersOutgoing: ascending(outgoing),
    learnersNext: ascending(next),
    autoLeave: entersJoint && transition !== "joint-explicit",
  };
}

function leave(joint: ConfState): ConfState {
  return {
    voters: joint.voters,
    learners: ascending([...joint.learners, ...joint.learnersNext]),
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };
}

/** Whether more than half of the voters, of both halves when it is joint, satisfy `holds`. */
export function isAgreed(confState: ConfState, holds: (id: ReplicaId) => boolean): boolean {
  return isMajority(confState.voters, holds) && isMajority(confState.votersOutgoing, holds);
}

function isMajority(voters: readonly ReplicaId[], holds: (id: ReplicaId) => boolean): boolean {
  let count = 0;
  for (const voter of voters) if (holds(voter)) count++;
  return voters.length === 0 || count * 2 > voters.length;
}

/** Voters of both halves and learners. */
export function membersOf(confState: ConfState): ReadonlySet<ReplicaId> {
  return new Set([...confState.voters, ...confState.votersOutgoing, ...confState.learners]);
}

/** Whether two configurations are the same; lists are ascending. */
export function isSameConfiguration(a: ConfState, b: ConfState): boolean {
  return describeConfiguration(a) === describeConfiguration(b);
}

/** Voters, outgoing voters, learners, learners to be. */
export function describeConfiguration(confState: ConfState): string {
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  const halves = `(${voters.join(" ")})(${votersOutgoing.join(" ")})`;
  return `${halves} learners (${learners.join(" ")})(${learnersNext.join(" ")})${autoLeave ? " auto" : ""}`;
}
