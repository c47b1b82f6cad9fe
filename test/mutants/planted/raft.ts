import type { Mutant } from "../mutant.ts";

/** A bug: its story, its file in raft-ts's core, what stands there, what the bug makes of it. */
type Row = readonly [id: string, file: string, find: string, replace: string];

/**
 * One-line bugs that implementations of Raft have had, planted in the core. Each must be found by
 * the tests: the
 * safety ones by scripts and simulation, the liveness ones by the rule that a healed group makes
 * progress.
 */
const CORE: readonly Row[] = [
  [
    "votes twice in one term",
    "election.ts",
    "(state.vote === NO_REPLICA && state.leader === NO_REPLICA)",
    "state.leader === NO_REPLICA",
  ],
  [
    "votes for a log that misses entries",
    "election.ts",
    "canVote && state.log.isUpToDate(request.lastIndex, request.lastTerm)",
    "canVote",
  ],
  [
    "judges logs by length alone",
    "log/raft-log.ts",
    "return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);",
    "return lastIndex >= this.lastIndex;",
  ],
  [
    "judges logs by last term alone",
    "log/raft-log.ts",
    "return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);",
    "return lastTerm >= ours;",
  ],
  ["forgets whom it voted for", "election.ts", "    state.vote = request.from;\n", ""],
  ["a candidate does not note its own vote", "transitions.ts", "  state.vote = state.id;\n", ""],
  [
    "a vote leaves before it is durable",
    "election.ts",
    "state.sendAfterAppend({ type, from: state.id, ...vote });",
    "state.send({ type, from: state.id, ...vote });",
  ],
  [
    "a candidate leads before its own vote is durable",
    "election.ts",
    "else if (candidate.votes.voteOf(state.id) === true) {",
    "else {",
  ],
  [
    "a candidate asks with entries that a crash may take",
    "election.ts",
    'if (kind !== "pre-vote" && state.log.unstable.hasEntries) state.sendAfterAppend(request);',
    "if (kind !== kind) state.sendAfterAppend(request);",
  ],
  [
    "an append is acknowledged before it is durable",
    "replica-state.ts",
    "    this.sendAfterAppend({\n",
    "    this.send({\n",
  ],
  ["keeps its vote in a later term", "transitions.ts", "    state.vote = NO_REPLICA;\n", ""],
  [
    "commits an entry of an earlier term by counting",
    "commit.ts",
    " && state.log.matches(index, state.term)",
    "",
  ],
  [
    "half of the voters are a quorum",
    "quorum/majority.ts",
    "voterCount / 2) + 1",
    "voterCount / 2)",
  ],
  [
    "a joint configuration commits with its new voters alone",
    "quorum/joint.ts",
    "majorityCommitted(config.votersOutgoing, acked)",
    "majorityCommitted(config.voters, acked)",
  ],
  [
    "a joint configuration elects with its new voters alone",
    "quorum/joint.ts",
    "  if (incoming === outgoing) return incoming;\n",
    "  if (incoming !== undefined) return incoming;\n",
  ],
  [
    "takes entries after a position that does not match",
    "log/raft-log.ts",
    "    if (!this.matches(prevIndex, prevTerm)) return false;\n",
    "",
  ],
  [
    "keeps a conflicting suffix",
    "log/unstable-log.ts",
    "    this.#entries.length = from - this.offset;\n",
    "",
  ],
  [
    "writes that are overtaken by a truncation count as written",
    "log/unstable-log.ts",
    "    this.#offsetInProgress = Math.min(this.#offsetInProgress, from);\n",
    "",
  ],
  [
    "an old completion confirms entries that replaced the written ones",
    "log/unstable-log.ts",
    "index < this.offset || this.#entries[index - this.offset]?.term !== term",
    "index < this.offset",
  ],
  [
    "a completion of an earlier term confirms entries",
    "raft-core.ts",
    '      finishSnapshot(state, message);\n      return;\n    case "append-response":',
    '      state.log.unstable.stableTo(message.index, message.logTerm);\n    case "append-response":',
  ],
  [
    "a follower commits what the leader has and it has not",
    "follower.ts",
    "log.commitTo(Math.min(message.commit, lastIndex));",
    "log.commitTo(Math.min(message.commit, log.lastIndex));",
  ],
  [
    "a heartbeat commits what the follower may not have",
    "replication.ts",
    "Math.min(progress.match, state.log.committed)",
    "state.log.committed",
  ],
  [
    "the hint of a rejection points at the rejected position",
    "follower.ts",
    "hintIndex: hint.index,",
    "hintIndex: prevIndex,",
  ],
  [
    "a rejection moves the probe nowhere",
    "tracker/progress.ts",
    "Math.max(Math.min(rejected, matchHint + 1), this.match + 1)",
    "Math.max(rejected, this.match + 1)",
  ],
  [
    "a pre-vote asks about the present term",
    "election.ts",
    'kind === "pre-vote" ? state.term + 1 : state.term',
    "state.term",
  ],
  [
    "a live leader is disturbed by a replica that does not hear it",
    "raft-core.ts",
    "      if (!message.force && isInLease(state)) return false;\n",
    "",
  ],
  [
    "a leader without a quorum leads on",
    "leader.ts",
    "state.options.checkQuorum && !isQuorumActive(state, leader)",
    "state.options.checkQuorum && !isQuorumActive(state, leader) && state.term === 0",
  ],
  [
    "a quorum once heard counts for ever",
    "leader.ts",
    "    if (progress.id !== state.id) progress.recentActive = false;\n",
    "",
  ],
  [
    "campaigns under a configuration that it knows is replaced",
    "election.ts",
    "  if (log.configurationIndexes.mayHaveUnapplied(log.applied, log.committed)) return false;\n",
    "",
  ],
  [
    "configuration entries are not remembered",
    "log/raft-log.ts",
    "    this.configurationIndexes.appended(entries);\n",
    "",
  ],
  [
    "two configuration changes at once",
    "proposals.ts",
    '  if (leader.pendingConfIndex > state.log.applied) return "unapplied-change";\n',
    "",
  ],
  [
    "a new leader forgets that a change may be pending",
    "transitions.ts",
    "    pendingConfIndex: lastIndex,\n",
    "    pendingConfIndex: 0,\n",
  ],
  [
    "two voters change in one simple step",
    "membership/changer.ts",
    "countDifference(confState.voters, draft.voters) > 1",
    "countDifference(confState.voters, draft.voters) > 2",
  ],
  [
    "a demoted voter loses its vote before the joint configuration ends",
    "membership/changer.ts",
    "    if (this.#outgoing.has(id)) this.#learnersNext.add(id);\n    else this.#learners.add(id);",
    "    this.#learners.add(id);",
  ],
  [
    "a read is answered before the leader knows what is committed",
    "read-index.ts",
    "  if (state.hasCommittedInTerm) {\n",
    "  if (state.term > 0) {\n",
  ],
  [
    "a read is confirmed by one answer",
    "read-queue.ts",
    "jointCommitted(config, this),",
    "this.#confirmedCount + this.#waiting.length,",
  ],
  [
    "an old snapshot cuts a log",
    "snapshotting.ts",
    "  if (snapshot.index <= state.log.committed) return false;\n",
    "",
  ],
  [
    "a snapshot cuts a suffix that matches",
    "snapshotting.ts",
    "  if (state.log.matches(snapshot.index, snapshot.term)) {\n",
    "  if (state.log.matches(snapshot.index, snapshot.term) && state.term === 0) {\n",
  ],
  [
    "a restart believes a commit hint beyond its log",
    "log/raft-log.ts",
    "Math.max(this.applied, Math.min(start.commit, lastIndex))",
    "Math.max(this.applied, start.commit)",
  ],
  [
    "leadership is handed to a follower that misses entries",
    "leader.ts",
    "progress.id === leader.transferee && progress.match === state.log.lastIndex",
    "progress.id === leader.transferee",
  ],
  [
    "a leader takes proposals while it hands over",
    "proposals.ts",
    '  if (leader.transferee !== NO_REPLICA) return { accepted: false, reason: "transferring" };\n',
    "",
  ],
  [
    "the window never has room again",
    "tracker/inflights.ts",
    "(this.#indexes[this.#start] ?? 0) <= index",
    "(this.#indexes[this.#start] ?? 0) < index - 1",
  ],
  [
    "a stalled follower is never probed again",
    "leader.ts",
    "  progress.isFlowPaused = false;\n  // Entries in flight",
    "  // Entries in flight",
  ],
  [
    "entries that were fetched are not sent",
    "replication.ts",
    "    progress.isReadPending = false;\n    sendAppends(state, progress);",
    "    sendAppends(state, progress);",
  ],
  ["entries are applied twice", "log/raft-log.ts", "    this.applying = last.index;\n", ""],
];

const core: readonly Mutant[] = CORE.map(([id, file, find, replace]) => ({
  id,
  path: `packages/raft-ts/src/core/${file}`,
  find,
  replace,
}));

/** The planted bugs of the suite `raft`. */
export const PLANTED_IN_RAFT: readonly Mutant[] = [...core];
