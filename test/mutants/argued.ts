/**
 * A drawn mutant that no test can find, because the changed program behaves the same. `find` is the
 * whole line, or the two lines, without the indentation; what stands there must be exactly that, so
 * that an argument goes stale when the code changes.
 */
export interface Argued {
  readonly path: string;
  readonly find: string;
  readonly replace: string;
  /** The line before, where `find` alone stands in several places. */
  readonly previous?: string;
  readonly reason: string;
}

/** Whole lines, as a mutant finds and leaves them, and the line before them. */
export interface ChangedLines {
  readonly before: string;
  readonly after: string;
  readonly previous: string;
}

const CORE = "packages/raft-ts/src/core";
const LOG = "packages/log-store/src/core";

/** Survivors that were studied and found to be no bugs. They still count as not found. */
export const ARGUED: readonly Argued[] = [
  {
    path: `${CORE}/log/unstable-log.ts`,
    find: "if (from <= this.offset) {",
    replace: "if (from < this.offset) {",
    reason: "at the offset itself, cutting to length 0 and appending makes the same list",
  },
  {
    path: `${CORE}/tracker/inflights.ts`,
    find: "for (let i = 0; i < size; i++) {",
    replace: "for (let i = 0; i <= size; i++) {",
    reason: "the ring gets one slot more; the window is bounded by its count, not by the ring",
  },
  {
    path: `${CORE}/replica-state.ts`,
    find: "randomizedElectionTicks = 0;",
    replace: "",
    reason: "the node's constructor becomes a follower, which draws the timeout",
  },
  {
    path: `${CORE}/replica-state.ts`,
    find: "electionElapsed = 0;",
    replace: "",
    reason: "the node's constructor becomes a follower, which sets it to 0",
  },
  {
    path: `${CORE}/replication.ts`,
    find: "return true;",
    replace: "return false;",
    previous: "progress.isFlowPaused = true;",
    reason: "of a probe without entries: it is paused then, so the loop of the caller ends anyway",
  },
  {
    path: `${CORE}/replication.ts`,
    find: "leader.uncommittedBytes += bytes;\nstate.log.append(entries);",
    replace: "state.log.append(entries);\nleader.uncommittedBytes += bytes;",
    reason: "appending to the log does not read the count of uncommitted bytes",
  },
  {
    path: `${CORE}/snapshotting.ts`,
    find: "state.log.restore(snapshot);\nswitchConfiguration(state, restoreConfState(snapshot.confState), []);",
    replace:
      "switchConfiguration(state, restoreConfState(snapshot.confState), []);\nstate.log.restore(snapshot);",
    reason: "a follower's switch of configuration does not look at the log",
  },
  {
    path: `${CORE}/leader.ts`,
    find: 'broadcastHeartbeat(state, leader);\nretryPendingReads(state, leader, "all");',
    replace: 'retryPendingReads(state, leader, "all");\nbroadcastHeartbeat(state, leader);',
    reason: "heartbeats and appends of one tick leave together, on lanes that keep no common order",
  },
  {
    path: `${CORE}/tracker/inflights.ts`,
    find: "sizes.push(i < this.#count ? (this.#sizes[slot] ?? 0) : 0);",
    replace: "sizes.push(i <= this.#count ? (this.#sizes[slot] ?? 0) : 0);",
    reason: "another value in a slot that is beyond the count, and written before it is read",
  },
  {
    path: `${CORE}/log/raft-log.ts`,
    find: "this.configurationIndexes.applied(this.applied);",
    replace: "",
    reason:
      "what is applied is left out again when it is asked about, and dropped by the next apply",
  },
  {
    path: `${CORE}/log/configuration-indexes.ts`,
    find: "if (applied >= committed) return false;",
    replace: "if (applied > committed) return false;",
    reason: "when they are equal no index lies between them, and the rest answers false as well",
  },
  {
    path: `${CORE}/replica-state.ts`,
    find: "pendingApplyTicks = 0;",
    replace: "",
    reason: "it is counted only while entries to apply are awaited, and set when that begins",
  },
  {
    path: `${CORE}/raft-core.ts`,
    find: "state.electionElapsed = 0;\nmaybeCampaign(state, usualCampaign(state));",
    replace: "maybeCampaign(state, usualCampaign(state));\nstate.electionElapsed = 0;",
    reason: "a campaign sets it to 0 or leaves it alone, and does not read it",
  },
  {
    path: `${CORE}/raft-node.ts`,
    find: "becomeFollower(this.#state, this.#state.term, NO_REPLICA);\nthis.#assembly = new ReadyAssembly(this.#state);",
    replace:
      "this.#assembly = new ReadyAssembly(this.#state);\nbecomeFollower(this.#state, this.#state.term, NO_REPLICA);",
    reason: "the assembly remembers hard state, leader and role, and none of them changes here",
  },
  {
    path: `${CORE}/tracker/progress.ts`,
    find: 'this.#resetState("probe");\nthis.next = Math.max(this.match, delivered) + 1;',
    replace: 'this.next = Math.max(this.match, delivered) + 1;\nthis.#resetState("probe");',
    reason: "the reset touches neither the match nor the next index",
  },
  {
    path: `${CORE}/transitions.ts`,
    find: "state.electionElapsed = 0;\nresetRandomizedElectionTicks(state);",
    replace: "resetRandomizedElectionTicks(state);\nstate.electionElapsed = 0;",
    reason: "drawing the next timeout does not look at the time that has passed",
  },
  {
    path: `${CORE}/commit.ts`,
    find: "index > state.log.committed && state.log.matches(index, state.term) && state.log.commitTo(index)",
    replace:
      "index >= state.log.committed && state.log.matches(index, state.term) && state.log.commitTo(index)",
    reason: "at the commit index itself `commitTo` answers that nothing rose",
  },
  {
    path: `${CORE}/settled.ts`,
    find: "if (log.unstable.hasEntries || log.unstable.snapshot !== undefined) return false;",
    replace: "if (log.unstable.hasEntries || log.unstable.snapshot !== undefined) return true;",
    reason: "the line is a second lock: what is applied through its end is durable in either mode",
  },
  {
    path: `${CORE}/log/raft-log.ts`,
    find: "applyIsPending = false;",
    replace: "",
    reason: "without its first value the field is undefined, which is as false",
  },
  {
    path: `${CORE}/snapshotting.ts`,
    find: "return true;",
    replace: "return false;",
    reason: "the log that was replaced ends at what is committed, so either answer acknowledges it",
  },
  {
    path: `${CORE}/membership/changer.ts`,
    find: "this.#learners.delete(id);\nthis.#learnersNext.delete(id);",
    replace: "this.#learnersNext.delete(id);\nthis.#learners.delete(id);",
    previous: "if (!this.#isMember(id)) this.#added.add(id);",
    reason: "two sets lose the same id, one after the other",
  },
  {
    path: "packages/record-batch/src/core/codec.ts",
    find: "bytes.set(batch.subarray(0, BATCH_HEADER_BYTES));\nbytes.set(records, BATCH_HEADER_BYTES);",
    replace:
      "bytes.set(records, BATCH_HEADER_BYTES);\nbytes.set(batch.subarray(0, BATCH_HEADER_BYTES));",
    reason: "the two fill different places",
  },
  {
    path: `${LOG}/group-state.ts`,
    find: 'this.#pending.push({ type: "append", batch, frames });\nthis.#pendingBytes += bytes;',
    replace: 'this.#pendingBytes += bytes;\nthis.#pending.push({ type: "append", batch, frames });',
    reason: "nothing reads one of the two before the other is done",
  },
  {
    path: `${LOG}/term-runs.ts`,
    find: "if (first <= this.#firstIndex) return;",
    replace: "if (first < this.#firstIndex) return;",
    reason: "at the first index itself nothing is cut: all runs are kept as they are",
  },
  {
    path: `${LOG}/wal-records.ts`,
    find: "writeUint32(this.#bytes, at + 12, 0);",
    replace: "",
    reason: "the table's memory is fresh, and so 0 already",
  },
  {
    path: `${LOG}/wal-batch.ts`,
    find: "this.#table.addEntry(group, frame);\nthis.#payloadBytes += frame.payload.length;",
    replace: "this.#payloadBytes += frame.payload.length;\nthis.#table.addEntry(group, frame);",
    reason: "the two counts do not read each other",
  },
  {
    path: `${LOG}/group-replay.ts`,
    find: "this.#mustBeginRun = true;",
    previous: "this.#runs = [];",
    replace: "this.#mustBeginRun = false;",
    reason: "there is no run before a reset that could go on",
  },
  {
    path: `${CORE}/read-index.ts`,
    find: "if (response.readSequence === 0 || leader.reads === undefined) return;",
    replace: "if (response.readSequence === 0 && leader.reads === undefined) return;",
    reason:
      "number 0 confirms nothing, and who returns another number was asked by a queue that stays",
  },
  {
    path: `${CORE}/raft-core.ts`,
    find: "if (message.index > 0) state.log.unstable.stableTo(message.index, message.logTerm);",
    replace: "if (message.index >= 0) state.log.unstable.stableTo(message.index, message.logTerm);",
    reason: "index 0 lies below the unstable end of any log, where an answer changes nothing",
  },
  {
    path: "packages/record-batch/src/core/crc32c.ts",
    find: "for (let slot = 256; slot < tables.length; slot++) {",
    replace: "for (let slot = 256; slot <= tables.length; slot++) {",
    reason: "a typed array ignores what is written behind its end",
  },
  {
    path: `${LOG}/group-state.ts`,
    find: "this.shape.truncateSuffix(from, nextOffset);\nthis.#budget.removed(this.tail.truncateSuffix(from));",
    replace:
      "this.#budget.removed(this.tail.truncateSuffix(from));\nthis.shape.truncateSuffix(from, nextOffset);",
    reason: "shape and tail do not read each other",
  },
  {
    path: "packages/record-batch/src/core/varint.ts",
    find: "if (value <= INT32_MAX && value >= INT32_MIN) return writeVarint(bytes, position, value);",
    replace:
      "if (value < INT32_MAX && value >= INT32_MIN) return writeVarint(bytes, position, value);",
    reason: "both ways write the same bytes for the largest 32-bit integer",
  },
  {
    path: `${LOG}/sparse-index.ts`,
    find: "#count = 0;\n#relativeIndex = new Uint32Array(FIRST_CAPACITY);",
    replace: "#relativeIndex = new Uint32Array(FIRST_CAPACITY);\n#count = 0;",
    reason: "the order of two fields of a class",
  },
  {
    path: `${LOG}/frame-codec.ts`,
    find: "target[position + 2] = 0;\ntarget[position + 3] = 0;",
    replace: "target[position + 3] = 0;\ntarget[position + 2] = 0;",
    reason: "the order of two bytes that are both zero",
  },
  {
    path: `${LOG}/frame-codec.ts`,
    find: "target[position + 3] = 0;\nwriteUint32(target, position + 4, frame.payload.length);",
    replace: "writeUint32(target, position + 4, frame.payload.length);\ntarget[position + 3] = 0;",
    reason: "the two fill different places",
  },
  {
    path: "packages/record-batch/src/core/integers.ts",
    find: "bytes[position] = value >>> 8;\nbytes[position + 1] = value;",
    replace: "bytes[position + 1] = value;\nbytes[position] = value >>> 8;",
    reason: "the order in which the bytes of a number are written",
  },
  {
    path: "packages/record-batch/src/core/integers.ts",
    find: "bytes[position] = value >>> 24;\nbytes[position + 1] = value >>> 16;",
    replace: "bytes[position + 1] = value >>> 16;\nbytes[position] = value >>> 24;",
    reason: "the order in which the bytes of a number are written",
  },
  {
    path: "packages/record-batch/src/core/record-cursor.ts",
    find: "if (this.headerCount < 0 || this.headerCount > HEADERS_MAX) return false;",
    replace: "if (this.headerCount <= 0 || this.headerCount > HEADERS_MAX) return false;",
    reason: "with no headers it is asked only when bytes are left over, which is false either way",
  },
  {
    path: `${LOG}/group-replay.ts`,
    find: "this.#lastIndex = index;\nthis.#nextOffset += span;",
    replace: "this.#nextOffset += span;\nthis.#lastIndex = index;",
    reason: "the two do not read each other",
  },
  {
    path: `${LOG}/checkpoint-format.ts`,
    find: 'if (typeof item !== "object" || item === null) return undefined;',
    replace: 'if (typeof item !== "object" && item === null) return undefined;',
    reason: "what is no object has none of the three fields, which are asked for next",
  },
  {
    path: `${LOG}/term-runs.ts`,
    find: "if (cut !== undefined && cut.startIndex < first) {",
    replace: "if (cut !== undefined && cut.startIndex <= first) {",
    reason: "a run that begins at the first index is replaced by one that says the same",
  },
  {
    path: `${LOG}/tail-budget.ts`,
    find: "if (this.#head * 2 >= this.#chunks.length && this.#head > 0) {",
    replace: "if (this.#head * 2 >= this.#chunks.length || this.#head > 0) {",
    reason: "when the list is moved is only a question of work",
  },
  {
    path: `${LOG}/group-state.ts`,
    find: "this.#budget.removed(this.tail.truncateSuffix(from));\nthis.flushedIndex = Math.min(this.flushedIndex, from - 1);",
    replace:
      "this.flushedIndex = Math.min(this.flushedIndex, from - 1);\nthis.#budget.removed(this.tail.truncateSuffix(from));",
    reason: "the two do not read each other",
  },
  {
    path: "packages/partition/src/core/append-queue.ts",
    find: "append.waiters.delete(waiter);\nwaiter.onStored(append);",
    replace: "waiter.onStored(append);\nappend.waiters.delete(waiter);",
    reason: "each is told once either way: nobody who is told asks the queue in the same turn",
  },
  {
    path: `${LOG}/wal-batch.ts`,
    find: "if (frame.payload.length > 0) this.#payloads.push(frame.payload);",
    replace: "if (frame.payload.length >= 0) this.#payloads.push(frame.payload);",
    reason: "a vectored write of an empty part writes nothing",
  },
  {
    path: `${LOG}/frame.ts`,
    find: "this.header = undefined;",
    replace: "",
    reason: "a declared field is undefined already",
  },
  {
    path: `${LOG}/group-replay.ts`,
    find: "#mustBeginRun = true;",
    replace: "#mustBeginRun = false;",
    reason: "where there is no run yet, one begins either way",
  },
  {
    path: `${LOG}/frame-codec.ts`,
    find: "target[position] = MAGIC;\ntarget[position + 1] = TYPE_OF_KIND[frame.kind];",
    replace: "target[position + 1] = TYPE_OF_KIND[frame.kind];\ntarget[position] = MAGIC;",
    reason: "the two fill different places",
  },
  {
    path: `${LOG}/frame-codec.ts`,
    find: "target[position + 1] = TYPE_OF_KIND[frame.kind];\ntarget[position + 2] = 0;",
    replace: "target[position + 2] = 0;\ntarget[position + 1] = TYPE_OF_KIND[frame.kind];",
    reason: "the two fill different places",
  },
];

/** Lines without their indentation, as `find` has them. */
function bare(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
}

/** The whole lines around a change, before and after it. */
export function linesOf(
  text: string,
  change: { readonly position: number; readonly find: string; readonly replace: string },
): ChangedLines {
  const { position, find, replace } = change;
  const start = text.lastIndexOf("\n", position - 1) + 1;
  const end = position + find.length;
  const lineEnd = text.indexOf("\n", end);
  const rest = text.slice(end, lineEnd === -1 ? text.length : lineEnd);
  const head = text.slice(start, position);
  const previous = text.slice(text.lastIndexOf("\n", start - 2) + 1, Math.max(start - 1, 0)).trim();
  return { before: bare(head + find + rest), after: bare(head + replace + rest), previous };
}

/** Why a drawn mutant is no bug, where that was argued. */
export function argumentFor(path: string, lines: ChangedLines): string | undefined {
  const found = ARGUED.find(
    (argued) =>
      argued.path === path &&
      argued.find === lines.before &&
      argued.replace === lines.after &&
      (argued.previous ?? lines.previous) === lines.previous,
  );
  return found?.reason;
}

/** Arguments about code that is gone, or that stands in several places. */
export function staleArguments(read: (path: string) => string): readonly Argued[] {
  return ARGUED.filter(({ path, previous, find }) => {
    const whole = `\n${previous === undefined ? "" : `${previous}\n`}${find}\n`;
    return bare(read(path)).split(whole).length !== 2;
  });
}
