import { voterIds } from "./membership/configuration.ts";
import type { VoteRequest, VoteResponse } from "./messages.ts";
import { jointVote } from "./quorum/joint.ts";
import type { ReplicaState } from "./replica-state.ts";
import { broadcastAppend } from "./replication.ts";
import type { CandidateRole } from "./role.ts";
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
} from "./transitions.ts";
import { NO_REPLICA } from "./types.ts";

/**
 * How an election starts: with a pre-vote, at once, or at once and over the lease of a live leader.
 */
export type CampaignKind = "pre-vote" | "vote" | "forced";

/** How this replica campaigns when nobody asked for anything else. */
export function usualCampaign(state: ReplicaState): CampaignKind {
  return state.options.preVote ? "pre-vote" : "vote";
}

/**
 * Campaigns, unless this replica leads, may not be elected, or must first apply a configuration it
 * knows committed.
 */
export function maybeCampaign(state: ReplicaState, kind: CampaignKind): boolean {
  if (state.role.name === "leader" || !state.isPromotable) return false;
  const { log } = state;
  // With a stale configuration it could be elected by voters that no longer are a quorum.
  if (log.configurationIndexes.mayHaveUnapplied(log.applied, log.committed)) return false;
  campaign(state, kind);
  return true;
}

function campaign(state: ReplicaState, kind: CampaignKind): void {
  if (kind === "pre-vote") becomePreCandidate(state);
  else becomeCandidate(state);
  const term = kind === "pre-vote" ? state.term + 1 : state.term;
  const lastIndex = state.log.lastIndex;
  const lastTerm = state.log.lastTerm;
  for (const to of voterIds(state.confState)) {
    if (to === state.id) {
      // The own vote counts when it is durable, like everyone's.
      sendVote(state, kind === "pre-vote" ? "pre-vote-response" : "vote-response", {
        to,
        term,
        reject: false,
      });
      continue;
    }
    const request: VoteRequest = {
      type: kind === "pre-vote" ? "pre-vote-request" : "vote-request",
      from: state.id,
      to,
      term,
      lastIndex,
      lastTerm,
      force: kind === "forced",
      ...commitHint(state),
    };
    // A vote is for the log that the request claims. If a crash could take a part of it, and this
    // term too, the vote might elect what is left of the log.
    if (kind !== "pre-vote" && state.log.unstable.hasEntries) state.sendAfterAppend(request);
    else state.send(request);
  }
}

/** Answers a request of this term, or a pre-vote request of a later one. */
export function handleVoteRequest(state: ReplicaState, request: VoteRequest): void {
  const isPreVote = request.type === "pre-vote-request";
  const canVote =
    state.vote === request.from ||
    (state.vote === NO_REPLICA && state.leader === NO_REPLICA) ||
    (isPreVote && request.term > state.term);
  // A learner votes too: it may have been made a voter without knowing, and its vote may be the one
  // that is missing.
  const isGranted = canVote && state.log.isUpToDate(request.lastIndex, request.lastTerm);
  sendVote(state, isPreVote ? "pre-vote-response" : "vote-response", {
    to: request.from,
    // A granted pre-vote speaks of the term asked about, which is not this replica's; a refusal
    // tells its own.
    term: isGranted ? request.term : state.term,
    reject: !isGranted,
    ...(!isGranted && commitHint(state)),
  });
  if (isGranted && !isPreVote) {
    state.electionElapsed = 0;
    state.vote = request.from;
  }
  learnCommit(state, request);
}

/**
 * Takes over what another replica knows to be committed, where the logs agree. If a configuration
 * is among it, a candidate must apply it before it can count votes.
 */
export function learnCommit(state: ReplicaState, message: VoteRequest | VoteResponse): void {
  const { commit, commitTerm } = message;
  if (commit === undefined || commitTerm === undefined || state.role.name === "leader") return;
  const { log } = state;
  if (commit <= log.committed || !log.matches(commit, commitTerm)) return;
  log.commitTo(commit);
  const isConfigured = !log.configurationIndexes.mayHaveUnapplied(log.applied, log.committed);
  if (state.role.name !== "follower" && !isConfigured) {
    becomeFollower(state, state.term, NO_REPLICA);
  }
}

function commitHint(state: ReplicaState): { commit?: number; commitTerm?: number } {
  const commit = state.log.committed;
  const commitTerm = state.log.term(commit);
  return typeof commitTerm === "number" ? { commit, commitTerm } : {};
}

/**
 * Refuses a pre-vote of an earlier term, telling the later one: silence could deadlock a group that
 * mixes both kinds.
 */
export function refusePreVote(state: ReplicaState, request: VoteRequest): void {
  const refusal = { to: request.from, term: state.term, reject: true, ...commitHint(state) };
  sendVote(state, "pre-vote-response", refusal);
}

/** Whether a live leader stops an election that nobody forced (thesis, section 4.2.3). */
export function isInLease(state: ReplicaState): boolean {
  return (
    state.options.checkQuorum &&
    state.leader !== NO_REPLICA &&
    state.electionElapsed < state.options.electionTicks
  );
}

/** Counts an answer to this candidate's own kind of request. */
export function handleVoteResponse(
  state: ReplicaState,
  candidate: CandidateRole,
  response: VoteResponse,
): void {
  candidate.votes.record(response.from, !response.reject);
  const result = jointVote(state.confState, candidate.votes);
  if (result === "won") {
    if (candidate.name === "pre-candidate") campaign(state, "vote");
    // The others may have elected it before its own vote is durable. Leading then, it could lead the
    // same term once more after a crash, with other entries.
    else if (candidate.votes.voteOf(state.id) === true) {
      broadcastAppend(state, becomeLeader(state));
    }
  } else if (result === "lost") {
    becomeFollower(state, state.term, NO_REPLICA);
  }
}

function sendVote(
  state: ReplicaState,
  type: "vote-response" | "pre-vote-response",
  vote: Omit<VoteResponse, "type" | "from">,
): void {
  state.sendAfterAppend({ type, from: state.id, ...vote });
}
