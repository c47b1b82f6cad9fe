import type { GroupId, MemberId } from "@stratalog/base";
import { Draft } from "../draft.ts";
import type { GroupsState } from "../group.ts";
import { rebalance } from "../rebalance.ts";
import { accept, type Done, type GroupContext, type GroupResult } from "./command-result.ts";
import { findMember } from "./find-member.ts";

/** A member goes. What it owned is free at once. */
export interface Leave {
  readonly groupId: GroupId;
  readonly memberId: MemberId;
}

/**
 * A member's time is up: no sign of life for its session, it did not give up what it was told to,
 * or it works on one record for longer than it may.
 */
export interface ExpireMember extends Leave {
  readonly reason: "session-timeout" | "rebalance-timeout" | "poll-timeout";
  /** For a rebalance: the assignment that it did not carry out. A later one has its own time. */
  readonly revision: number;
}

/** Refuses with UNKNOWN_MEMBER when there is nobody to leave. */
export function handleLeave(
  state: GroupsState,
  command: Leave,
  context: GroupContext,
): GroupResult<Done> {
  const found = findMember(state, command.groupId, command.memberId);
  if ("code" in found) return found;
  return removeMember(state, { ...command, reason: "left" }, context);
}

/** Harmless when the member is gone or did what it was to do meanwhile. */
export function handleExpireMember(
  state: GroupsState,
  command: ExpireMember,
  context: GroupContext,
): GroupResult<Done> {
  const found = findMember(state, command.groupId, command.memberId);
  if ("code" in found) return accept([], {});
  const { member } = found;
  const isDone = member.revoking.size === 0 || member.revision !== command.revision;
  if (command.reason === "rebalance-timeout" && isDone) return accept([], {});
  return removeMember(state, command, context);
}

function removeMember(
  state: GroupsState,
  removal: Leave & { readonly reason: ExpireMember["reason"] | "left" },
  context: GroupContext,
): GroupResult<Done> {
  const { groupId, memberId, reason } = removal;
  const draft = new Draft(state);
  draft.add({ type: "member-left", groupId, memberId, reason });
  rebalance(draft, groupId, { reason: "members", topics: context.topics });
  if (draft.group(groupId).members.size === 0) {
    draft.add({ type: "group-emptied", groupId, atMs: context.nowMs });
  }
  return accept(draft.records, {});
}
