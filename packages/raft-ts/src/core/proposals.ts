import { isJoint, isMember } from "./membership/configuration.ts";
import { announceAppend, appendOwn } from "./replication.ts";
import type { ReplicaState } from "./replica-state.ts";
import type { LeaderRole } from "./role.ts";
import { type ConfChange, type Entry, type EntryData, NO_REPLICA } from "./types.ts";

/** Why a configuration change may not start now. */
export type ConfChangeRefusal = "unapplied-change" | "must-leave-joint" | "not-joint";

/** Why a proposal was not taken. */
export type ProposeRefusal =
  | "no-leader"
  | "not-leader"
  | "transferring"
  | "too-many-bytes"
  | "removed";

/**
 * What became of a proposal. `accepted` means taken into this leader's log, or sent to the leader
 * (then without an index), not committed: a later leader may still drop it.
 */
export type ProposeResult =
  | {
      readonly accepted: true;
      readonly index: number;
      readonly term: number;
      /** A configuration change may not start now; an empty entry took its place. */
      readonly refusedChange?: ConfChangeRefusal;
    }
  | { readonly accepted: true; readonly index: undefined; readonly term: undefined }
  | { readonly accepted: false; readonly reason: ProposeRefusal };

/** What is proposed: an entry without its position. */
export type EntryDraft =
  | { readonly type: "normal"; readonly data: EntryData | undefined }
  | { readonly type: "conf-change"; readonly change: ConfChange };

/** Appends drafts to the leader's log, all or none, and sends them on. */
export function proposeAsLeader(
  state: ReplicaState,
  leader: LeaderRole,
  drafts: readonly EntryDraft[],
): ProposeResult {
  // Removed by a configuration that it applied, but still leading until everyone knows.
  if (!isMember(state.confState, state.id)) return { accepted: false, reason: "removed" };
  if (leader.transferee !== NO_REPLICA) return { accepted: false, reason: "transferring" };
  const { term } = state;
  let index = state.log.lastIndex;
  let refusedChange: ConfChangeRefusal | undefined;
  const entries: Entry[] = [];
  for (const draft of drafts) {
    index++;
    if (draft.type === "normal") {
      entries.push({ type: "normal", index, term, data: draft.data });
      continue;
    }
    refusedChange = findConfChangeRefusal(state, leader, draft.change);
    if (refusedChange === undefined || state.options.disableConfChangeValidation) {
      refusedChange = undefined;
      leader.pendingConfIndex = index;
      entries.push({ type: "conf-change", index, term, change: draft.change });
    } else {
      entries.push({ type: "normal", index, term, data: undefined });
    }
  }
  if (!appendOwn(state, leader, entries)) return { accepted: false, reason: "too-many-bytes" };
  announceAppend(state, leader);
  return refusedChange === undefined
    ? { accepted: true, index, term }
    : { accepted: true, index, term, refusedChange };
}

/** One change at a time, and each against a configuration that is known. */
function findConfChangeRefusal(
  state: ReplicaState,
  leader: LeaderRole,
  change: ConfChange,
): ConfChangeRefusal | undefined {
  if (leader.pendingConfIndex > state.log.applied) return "unapplied-change";
  const leaves = change.changes.length === 0;
  if (isJoint(state.confState) && !leaves) return "must-leave-joint";
  if (!isJoint(state.confState) && leaves) return "not-joint";
  return undefined;
}
