import type { GroupId, MemberId } from "@stratalog/base";
import { Draft } from "../draft.ts";
import type { AssignorName, Group, GroupsState, Member, Subscription } from "../group.ts";
import { GROUPS_MAX, MEMBERS_PER_GROUP_MAX } from "../limits.ts";
import { heldBy } from "../owned-partitions.ts";
import type { PartitionKey } from "../partition-key.ts";
import { memberAssigned, rebalance } from "../rebalance.ts";
import {
  accept,
  type GroupContext,
  type GroupRefusal,
  type GroupResult,
  refuse,
} from "./command-result.ts";
import { refuseEpoch, refuseFenced, refuseGroupId } from "./find-member.ts";
import { acknowledge, refuseReport } from "./report.ts";
import { refuseSubscription } from "./subscription.ts";

/** Joins a group anew (memberEpoch 0), or comes back to it after a broken stream. */
export interface Join extends Subscription {
  readonly groupId: GroupId;
  readonly memberEpoch: number;
  /** Of the last assignment carried out; 0 when unknown. */
  readonly revision: number;
  /** Counts for the first member only. */
  readonly assignor: AssignorName;
  readonly owned: ReadonlySet<PartitionKey>;
}

/** The member is in. What it should own is told by its assignment. */
export interface Joined {
  readonly memberId: MemberId;
  readonly memberEpoch: number;
  readonly sessionTimeoutMs: number;
}

/**
 * Epoch 0 says "I own nothing": what the member had is free at once. Another epoch says "I still
 * own this": allowed while it is no more than what the member was given, and then nothing moves.
 */
export function handleJoin(
  state: GroupsState,
  command: Join,
  context: GroupContext,
): GroupResult<Joined> {
  const group = state.groups.get(command.groupId);
  const known = group?.members.get(command.memberId);
  const wrong =
    refuseGroupId(command.groupId) ??
    refuseSubscription(command) ??
    (known === undefined ? refuseNewcomer(state, group, command) : refuseReturn(known, command));
  if (wrong !== undefined) return wrong;

  const draft = new Draft(state);
  const { groupId, memberId, assignor } = command;
  if (group === undefined) {
    draft.add({ type: "group-created", groupId, assignor, atMs: context.nowMs });
  }
  const replaced = replacedMember(draft.group(groupId), command);
  if (replaced !== undefined) {
    draft.add({ type: "member-left", groupId, memberId: replaced, reason: "replaced" });
  }
  if (known !== undefined && command.memberEpoch === 0) {
    const released = { state: "stable", assigned: new Map(), revoking: new Map() } as const;
    draft.add(memberAssigned(groupId, { ...known, ...released }));
  } else if (known !== undefined) acknowledge(draft, known, command);

  const isChanged = known === undefined || !isSameSubscription(known, command);
  if (isChanged) draft.add({ type: "member-joined", groupId, ...subscriptionOf(command) });
  const isAnew = known === undefined || command.memberEpoch === 0;
  if (isChanged || isAnew || replaced !== undefined) {
    const { topics } = context;
    rebalance(draft, groupId, { reason: "members", topics, before: group });
  }
  const memberEpoch = draft.group(groupId).members.get(memberId)?.memberEpoch ?? 0;
  const { sessionTimeoutMs } = command;
  return accept(draft.records, { memberId, memberEpoch, sessionTimeoutMs });
}

function refuseNewcomer(
  state: GroupsState,
  group: Group | undefined,
  command: Join,
): GroupRefusal | undefined {
  const { groupId, memberId } = command;
  if (command.memberEpoch !== 0) {
    return refuse(
      "UNKNOWN_MEMBER",
      `group ${groupId} has no member ${memberId}; join with epoch 0`,
    );
  }
  if (group === undefined && state.groups.size >= GROUPS_MAX) {
    return refuse("THROTTLED", `this coordinator has ${GROUPS_MAX} groups already`);
  }
  if (group !== undefined && group.members.size >= MEMBERS_PER_GROUP_MAX) {
    return refuse("THROTTLED", `group ${groupId} has ${MEMBERS_PER_GROUP_MAX} members already`);
  }
  return undefined;
}

function refuseReturn(member: Member, command: Join): GroupRefusal | undefined {
  if (command.memberEpoch === 0) return undefined;
  const wrong = refuseEpoch(member, command.memberEpoch);
  if (wrong !== undefined) return wrong;
  if (command.revision > 0) return refuseReport(member, command);
  const held = heldBy(member);
  const isWithin = [...command.owned].every((key) => held.has(key));
  return isWithin ? undefined : refuseFenced(member, "it claims partitions that it was not given");
}

/** The member whose place is taken: the one with the same static name. */
function replacedMember(group: Group, command: Join): MemberId | undefined {
  if (command.instanceId === undefined) return undefined;
  for (const { memberId, instanceId } of group.members.values()) {
    if (instanceId === command.instanceId && memberId !== command.memberId) return memberId;
  }
  return undefined;
}

function subscriptionOf(command: Join): Subscription {
  const { memberId, instanceId, clientId, rack, sessionTimeoutMs, rebalanceTimeoutMs } = command;
  const prefixes = [...new Set(command.prefixes)].toSorted();
  return {
    memberId,
    ...(instanceId === undefined ? {} : { instanceId }),
    clientId,
    ...(rack === undefined ? {} : { rack }),
    topics: [...new Set(command.topics)].toSorted(),
    ...(prefixes.length === 0 ? {} : { prefixes }),
    sessionTimeoutMs,
    rebalanceTimeoutMs,
  };
}

function isSameSubscription(member: Member, command: Join): boolean {
  const next = subscriptionOf(command);
  return (
    next.instanceId === member.instanceId &&
    next.clientId === member.clientId &&
    next.rack === member.rack &&
    next.sessionTimeoutMs === member.sessionTimeoutMs &&
    next.rebalanceTimeoutMs === member.rebalanceTimeoutMs &&
    isSameList(next.topics, member.topics) &&
    isSameList(next.prefixes ?? [], member.prefixes ?? [])
  );
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, index) => text === b[index]);
}
