import { assert } from "./assert.ts";
import { totalPayloadBytes } from "./entry-size.ts";
import { isMember } from "./membership/configuration.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { LeaderRole } from "./role.ts";
import type { Progress } from "./tracker/progress.ts";
import type { Entry, ReplicaId } from "./types.ts";

const NO_ENTRIES: readonly Entry[] = [];

/**
 * Appends entries of the leader's own term to its log. `false` when that would exceed the
 * uncommitted limit.
 */
export function appendOwn(
  state: ReplicaState,
  leader: LeaderRole,
  entries: readonly Entry[],
): boolean {
  const bytes = totalPayloadBytes(entries);
  // An empty tail takes an entry of any size; an empty payload is never refused.
  if (
    leader.uncommittedBytes > 0 &&
    bytes > 0 &&
    leader.uncommittedBytes + bytes > state.options.maxUncommittedBytes
  ) {
    return false;
  }
  leader.uncommittedBytes += bytes;
  state.log.append(entries);
  acknowledgeOwn(state);
  return true;
}

/** The leader counts itself only when its own disk has the entries; this comes back to it then. */
function acknowledgeOwn(state: ReplicaState): void {
  if (state.options.coalesceAppends) {
    const last = state.messagesAfterAppend.at(-1);
    const isOwnAck =
      last?.type === "append-response" && last.to === state.id && last.term === state.term;
    if (isOwnAck) state.messagesAfterAppend.pop();
  }
  state.acknowledge(state.id, state.log.lastIndex);
}

/** Sends to every follower what it misses, and the commit index in any case. */
export function broadcastAppend(state: ReplicaState, leader: LeaderRole): void {
  leader.hasUnsentAppends = false;
  for (const progress of leader.progress.items) {
    if (progress.id !== state.id) maybeSendAppend(state, progress, "even-if-empty");
  }
}

/** New own entries go out now, or all together when the next Ready is taken. */
export function announceAppend(state: ReplicaState, leader: LeaderRole): void {
  if (state.options.coalesceAppends) leader.hasUnsentAppends = true;
  else broadcastAppend(state, leader);
}

/** Sends as many messages as the window and the log allow. */
export function sendAppends(state: ReplicaState, progress: Progress): void {
  while (maybeSendAppend(state, progress, "if-not-empty")) {
    // Each call sends one message of bounded size.
  }
}

/**
 * Sends the next append to a follower unless it is paused. Without entries only where `need` says
 * so: that tells the commit index, or keeps a stalled follower probed. Falls back to a snapshot
 * where the log does not reach. Whether anything was sent.
 */
export function maybeSendAppend(
  state: ReplicaState,
  progress: Progress,
  need: "even-if-empty" | "if-not-empty",
): boolean {
  if (progress.isPaused) return false;
  const prevIndex = progress.next - 1;
  const prevTerm = state.log.term(prevIndex);
  if (typeof prevTerm !== "number") return maybeSendSnapshot(state, progress);

  let entries = NO_ENTRIES;
  // With a full window only an empty append leaks through: if everything in the window was lost,
  // its answer says so.
  if (progress.state !== "replicate" || !progress.inflights.isFull) {
    const maxBytes = state.options.maxBytesPerMessage;
    const read = state.log.slice(progress.next, state.log.lastIndex + 1, maxBytes);
    if (read === "compacted") return maybeSendSnapshot(state, progress);
    if (read === "pending") return awaitEntries(state, progress, { prevIndex, prevTerm });
    entries = read;
  }
  if (entries.length === 0 && need === "if-not-empty") return false;
  sendAppend(state, progress, { prevIndex, prevTerm, entries });
  return true;
}

/**
 * The next entries are not in memory. A probe goes without them, since a rejection would make them
 * worthless; otherwise they are asked for, and nothing is sent to this follower before they are
 * there.
 */
function awaitEntries(
  state: ReplicaState,
  progress: Progress,
  prev: { readonly prevIndex: number; readonly prevTerm: number },
): boolean {
  if (progress.state === "probe") {
    sendAppend(state, progress, { ...prev, entries: NO_ENTRIES });
    progress.isFlowPaused = true;
    return true;
  }
  progress.isReadPending = true;
  state.wants.push({
    for: progress.id,
    from: progress.next,
    to: state.log.lastIndex + 1,
    maxBytes: state.options.maxBytesPerMessage,
  });
  return false;
}

function sendAppend(
  state: ReplicaState,
  progress: Progress,
  content: {
    readonly prevIndex: number;
    readonly prevTerm: number;
    readonly entries: readonly Entry[];
  },
): void {
  const { entries } = content;
  state.send({
    type: "append",
    from: state.id,
    to: progress.id,
    term: state.term,
    prevIndex: content.prevIndex,
    prevTerm: content.prevTerm,
    commit: state.log.committed,
    entries,
  });
  progress.sentEntries(entries.length, totalPayloadBytes(entries));
  progress.sentCommit(state.log.committed);
}

/**
 * Sends the storage's snapshot to a follower that is alive. Nothing else is sent to it until it
 * answers.
 */
function maybeSendSnapshot(state: ReplicaState, progress: Progress): boolean {
  if (!progress.recentActive) return false;
  const snapshot = state.log.unstable.snapshot ?? state.log.storage.snapshot();
  if (snapshot === "pending") return false;
  assert(snapshot.index > 0, "the log is compacted, but the storage has no snapshot");
  // It would refuse one from before it joined, and wait for ever; the storage will have a newer
  // one.
  if (!isMember(snapshot.confState, progress.id)) return false;
  progress.becomeSnapshot(snapshot.index);
  state.send({
    type: "snapshot",
    from: state.id,
    to: progress.id,
    term: state.term,
    snapshot,
  });
  return true;
}

/** Tells every follower that the leader is alive, and asks it to confirm the reads that wait. */
export function broadcastHeartbeat(state: ReplicaState, leader: LeaderRole): void {
  const readSequence = leader.reads?.sequence ?? 0;
  for (const progress of leader.progress.items) {
    if (progress.id === state.id) continue;
    // A follower may not have all that is committed, so it is told only of what it is known to
    // have.
    const commit = Math.min(progress.match, state.log.committed);
    state.send({
      type: "heartbeat",
      from: state.id,
      to: progress.id,
      term: state.term,
      commit,
      readSequence,
    });
    progress.sentCommit(commit);
  }
}

/** Entries that were asked for may be in memory now; asks again for those that are not. */
export function retryPendingReads(
  state: ReplicaState,
  leader: LeaderRole,
  reader: ReplicaId | "all",
): void {
  for (const progress of leader.progress.items) {
    if (!progress.isReadPending || (reader !== "all" && reader !== progress.id)) continue;
    progress.isReadPending = false;
    sendAppends(state, progress);
  }
}
