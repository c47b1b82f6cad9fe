import type { GroupId, TopicId } from "@stratalog/base";
import { assign, type AssignorMember } from "./assignors/assignor.ts";
import type { Draft } from "./draft.ts";
import { type Group, type Member, membersById, type SubscribedTopic } from "./group.ts";
import { holdersOf, ownedList } from "./owned-partitions.ts";
import { type PartitionKey, partitionsByTopic } from "./partition-key.ts";
import { reconcileMember } from "./reconcile.ts";
import type { TopicsView } from "./topics-view.ts";

/** Partitions that one group can share out. More are left alone, by name order of the topics. */
const PARTITIONS_PER_GROUP_MAX = 50_000;

/**
 * Brings a group in step with its members and topics: a new epoch, new targets, first steps towards
 * them. `reason` "members": somebody came, left or wants something else. "topics": only when the
 * topics really changed.
 */
export function rebalance(
  draft: Draft,
  groupId: GroupId,
  change: { readonly reason: "members" | "topics"; readonly topics: TopicsView },
): void {
  const group = draft.group(groupId);
  const topics = subscribedTopics(group, change.topics);
  if (change.reason === "topics" && isSame(topics, group.topics)) return;
  const epoch = group.groupEpoch + 1;
  draft.add({ type: "group-changed", groupId, epoch, topics });
  retarget(draft, groupId, epoch);
  reconcile(draft, groupId);
}

/** Takes every member as far towards its target as it can go without being asked. */
export function reconcile(draft: Draft, groupId: GroupId): void {
  const group = draft.group(groupId);
  const holders = holdersOf(group);
  for (const member of membersById(group)) {
    const partitions = group.targets.get(member.memberId) ?? new Set<PartitionKey>();
    const target = { epoch: group.assignmentEpoch, partitions };
    const next = reconcileMember(member, target, (key) => !holders.has(key));
    if (next === member) continue;
    for (const key of next.assigned.keys()) holders.set(key, next);
    draft.add(memberAssigned(groupId, next));
  }
}

/** The record that makes a member what it is. */
export function memberAssigned(groupId: GroupId, member: Member) {
  const { memberId, memberEpoch, revision, state } = member;
  const assigned = ownedList(member.assigned);
  const revoking = ownedList(member.revoking);
  const type = "member-assigned" as const;
  return { type, groupId, memberId, memberEpoch, revision, state, assigned, revoking };
}

/** Computes targets for the group as it is and records those that changed. */
function retarget(draft: Draft, groupId: GroupId, epoch: number): void {
  const group = draft.group(groupId);
  const topics = [...group.topics.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const members = membersById(group).map((member) => assignorMember(group, member));
  const targets = assign(group.assignor, { members, topics });
  const changed = members.flatMap(({ memberId, previous }) => {
    const partitions = targets.get(memberId) ?? new Set<PartitionKey>();
    if (isSameSet(partitions, previous)) return [];
    return [{ memberId, partitions: partitionsByTopic(partitions) }];
  });
  draft.add({ type: "target-assigned", groupId, epoch, targets: changed });
}

function assignorMember(group: Group, member: Member): AssignorMember {
  const topics = new Set<TopicId>();
  for (const { topicId, name } of group.topics.values()) {
    if (member.topics.includes(name)) topics.add(topicId);
  }
  const previous = group.targets.get(member.memberId) ?? new Set<PartitionKey>();
  return { memberId: member.memberId, topics, previous };
}

/** The topics that some member wants and that exist, by name. */
function subscribedTopics(group: Group, view: TopicsView): readonly SubscribedTopic[] {
  const names = new Set([...group.members.values()].flatMap((member) => member.topics));
  const topics: SubscribedTopic[] = [];
  let total = 0;
  for (const name of [...names].toSorted()) {
    const topic = view.byName(name);
    if (topic === undefined) continue;
    total += topic.partitionCount;
    if (total > PARTITIONS_PER_GROUP_MAX) break;
    topics.push({ topicId: topic.topicId, name, partitionCount: topic.partitionCount });
  }
  return topics;
}

function isSame(
  topics: readonly SubscribedTopic[],
  known: ReadonlyMap<TopicId, SubscribedTopic>,
): boolean {
  if (topics.length !== known.size) return false;
  return topics.every(({ topicId, partitionCount }) => {
    return known.get(topicId)?.partitionCount === partitionCount;
  });
}

function isSameSet(a: ReadonlySet<PartitionKey>, b: ReadonlySet<PartitionKey>): boolean {
  return a.size === b.size && [...a].every((key) => b.has(key));
}
