import type { Mutant } from "../mutant.ts";

/** A bug: its story, its file in raft-host, what stands there, what the bug makes of it. */
type Row = readonly [id: string, file: string, find: string, replace: string];

/**
 * One-line bugs of whoever runs the core: what must wait for the disk, what must reach it, what
 * must leave, and when to tick and to campaign.
 */
const HOST: readonly Row[] = [
  [
    "what waits for a write leaves before the write is durable",
    "io/turns.ts",
    "this.#batches.add(group, work.write, work.responses);",
    "void (this.#batches.add(group, work.write, []), free.push({ group, responses: work.responses }));",
  ],
  [
    "a truncation does not reach the storage",
    "io/group-storage.ts",
    "      ...(truncateFrom !== undefined && { truncateFrom }),\n",
    "",
  ],
  [
    "term and vote are not stored when there are no entries",
    "io/group-storage.ts",
    " && !this.#changesVote(hardState)) {",
    ") {",
  ],
  [
    "a snapshot does not replace the stored log",
    "io/group-storage.ts",
    "      ...(snapshot !== undefined && { reset: resetTo(snapshot) }),\n",
    "",
  ],
  [
    "the log is cut before the listener has stored the snapshot",
    "io/hosted-group.ts",
    "    if (!(stored instanceof Promise)) return true;\n",
    "    if (stored !== null) return true;\n",
  ],
  [
    "frames are written whatever offset they begin at",
    "io/frame-book.ts",
    "if (nextOffset !== undefined && baseOffset !== nextOffset) {",
    "if (nextOffset === -1) {",
  ],
  ["a no-op takes an offset", "io/frame-book.ts", "      span: 0,\n", "      span: 1,\n"],
  [
    "entries that are gone still count as durable",
    "io/pending-writes.ts",
    "    this.#durableIndex = Math.min(this.#durableIndex, fromIndex - 1);\n",
    "",
  ],
  [
    "a completion speaks for entries that replaced the written ones",
    "io/pending-writes.ts",
    "      this.#lastIndexes[position] = Math.min(lastIndex, fromIndex - 1);\n",
    "      this.#lastIndexes[position] = lastIndex;\n",
  ],
  [
    "what was applied in an earlier life is delivered again",
    "io/applier.ts",
    "      if (entry.index > delivery.index) {\n",
    "      if (entry.index > 0) {\n",
  ],
  [
    "every record takes one offset",
    "io/leadership.ts",
    "    this.#nextOffset += span;\n",
    "    this.#nextOffset += 1;\n",
  ],
  [
    "the budget for proposals is never given back",
    "io/leadership.ts",
    "    if (term === this.#term) this.#options.budget.settle(this.#options.group, byteLength);\n",
    "",
  ],
  [
    "reads wait for ever when leadership is lost",
    "io/hosted-group.ts",
    "    this.#reads.rejectAll();\n",
    "",
  ],
  ["messages stay in the outbox", "io/outbox.ts", "    this.#waiting.clear();\n", ""],
  [
    "appends share the lane of heartbeats",
    "io/outbox.ts",
    'return type === "append" || type === "snapshot-part" ? "bulk" : "control";',
    'return type === "snapshot-part" ? "bulk" : "control";',
  ],
  [
    "a refused connection is no evidence",
    "io/raft-host.ts",
    '    if (reason === "refused") this.#elections.handleDead(peer, this.#groups.values());\n',
    "",
  ],
  [
    "a process that stood still ticks before it reads its sockets",
    "io/tick-source.ts",
    "    if (elapsedMs >= stallMs) {\n",
    "    if (elapsedMs < 0) {\n",
  ],
  [
    "a new group waits for an election timeout",
    "io/elections.ts",
    "    if (campaignAtOnce === true || replicas.length === 1) {\n",
    "    if (replicas.length === 1) {\n",
  ],
  [
    "what a dead leader had sent brings it back",
    "io/elections.ts",
    "      node.forgetLeader();\n",
    "",
  ],
  [
    "the replica with the longest log waits for its turn",
    "io/elections.ts",
    "    this.#schedule.hasten(group, this.#options.random.below(REFUSED_JITTER_MS));\n",
    "",
  ],
  [
    "whoever is asked for a vote begins an election of its own",
    "io/elections.ts",
    "      this.#schedule.postpone(group, ASKED_MS);\n",
    "",
  ],
  [
    "a request for a vote is lost when it comes before the evidence",
    "io/elections.ts",
    "    node.step(early.message);\n",
    "",
  ],
  [
    "candidates come in any order after a silence",
    "io/election-order.ts",
    "    return first + random(width);\n",
    "    return random(bound);\n",
  ],
  [
    "a replica that stops tells nobody",
    "io/stopped-replicas.ts",
    "    for (const other of others) this.#tell(group, self, other);\n",
    "",
  ],
  [
    "what a stopped leader had sent brings it back",
    "io/inbox.ts",
    "    if (hosted.stoppedPeers.areLastWords(message.from, this.#nowMs)) return;\n",
    "",
  ],
  [
    "a membership change is made twice after a restart",
    "io/applier.ts",
    "      if (entry.index <= this.#options.membershipIndex) continue;\n",
    "",
  ],
  [
    "a group at rest is not woken by what happens in it",
    "io/raft-host.ts",
    "    this.#rests.wake(group);\n",
    "",
  ],
  [
    "followers rest for ever under a leader that fell silent",
    "io/rests.ts",
    "      if (this.#tickCount - link.heardTick > silenceTicks) this.#wakeLate(link.followed);\n",
    "",
  ],
  [
    "a leader that nobody answers rests for ever",
    "io/rests.ts",
    "      if (this.#tickCount - link.answeredTick > silenceTicks) this.#wakeAll(link.led);\n",
    "",
  ],
  [
    "followers are not told that their leader was taken off its host",
    "io/rests.ts",
    "      link.isReset = true;\n      this.#wakeAll(link.led);\n",
    "      this.#wakeAll(link.led);\n",
  ],
  [
    "a replica whose host is back is not brought up to date",
    "io/raft-host.ts",
    "    this.#rests.handlePeerUp(peer);\n",
    "",
  ],
  [
    "a follower rests before its commit index is stored",
    "io/group-rest.ts",
    "    return isAsked && this.isSettled;\n",
    "    return isAsked;\n",
  ],
];

/** The planted bugs of raft-host, a part of the suite `raft`. */
export const PLANTED_IN_RAFT_HOST: readonly Mutant[] = HOST.map(([id, file, find, replace]) => ({
  id: `host: ${id}`,
  path: `packages/raft-host/src/${file}`,
  find,
  replace,
}));
