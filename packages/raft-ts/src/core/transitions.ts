import { assert } from "./assert.ts";
import type { ReplicaState } from "./replica-state.ts";
import { appendOwn } from "./replication.ts";
import { FOLLOWER, type LeaderRole } from "./role.ts";
import { ProgressList } from "./tracker/progress-list.ts";
import { VoteTally } from "./tracker/vote-tally.ts";
import { NO_REPLICA, type ReplicaId } from "./types.ts";

/*
 * The only writers of role and term.
 *
 *   from \ to      follower   pre-candidate   candidate   leader
 *   follower          x             x             x
 *   pre-candidate     x             x             x
 *   candidate         x             x             x          x
 *   leader            x
 */

/** Enters `term`, which is this one or a later one, behind `leader` or behind nobody. */
export function becomeFollower(state: ReplicaState, term: number, leader: ReplicaId): void {
  assert(term >= state.term, `term would fall from ${state.term} to ${term}`);
  resetForTerm(state, term);
  state.leader = leader;
  state.role = FOLLOWER;
}

/** Asks whether an election could be won. Neither term nor vote change (thesis, section 9.6). */
export function becomePreCandidate(state: ReplicaState): void {
  assert(state.role.name !== "leader", "a leader does not campaign");
  state.leader = NO_REPLICA;
  state.role = { name: "pre-candidate", votes: new VoteTally() };
}

/** Enters the next term with a vote for itself. */
export function becomeCandidate(state: ReplicaState): void {
  assert(state.role.name !== "leader", "a leader does not campaign");
  resetForTerm(state, state.term + 1);
  state.vote = state.id;
  state.role = { name: "candidate", votes: new VoteTally() };
}

/**
 * Wins the election of this term, and appends the empty entry whose commit commits all before it.
 */
export function becomeLeader(state: ReplicaState): LeaderRole {
  assert(state.role.name === "candidate", `a ${state.role.name} does not become leader`);
  resetForTerm(state, state.term);
  const lastIndex = state.log.lastIndex;
  const leader: LeaderRole = {
    name: "leader",
    progress: new ProgressList(state.confState, state.id, lastIndex, state.options),
    heartbeatElapsed: 0,
    transferee: NO_REPLICA,
    // Some entry of the inherited log may change the configuration; nothing is lost by waiting for
    // all of it.
    pendingConfIndex: lastIndex,
    uncommittedBytes: 0,
    hasUnsentAppends: false,
    reads: undefined,
  };
  leader.progress.find(state.id)?.becomeReplicate();
  state.leader = state.id;
  state.role = leader;
  const index = lastIndex + 1;
  const isAppended = appendOwn(state, leader, [
    { type: "normal", index, term: state.term, data: undefined },
  ]);
  assert(isAppended, "the empty entry of a new leader was refused");
  return leader;
}

/**
 * Draws a new election timeout, so that replicas that lost one election do not collide in the next.
 */
export function resetRandomizedElectionTicks(state: ReplicaState): void {
  const { electionTicks, random } = state.options;
  const extra = random(electionTicks);
  assert(extra >= 0 && extra < electionTicks, `random(${electionTicks}) answered ${extra}`);
  state.randomizedElectionTicks = electionTicks + extra;
}

function resetForTerm(state: ReplicaState, term: number): void {
  if (state.term !== term) {
    state.term = term;
    state.vote = NO_REPLICA;
  }
  state.leader = NO_REPLICA;
  state.electionElapsed = 0;
  resetRandomizedElectionTicks(state);
}
