import type { GroupId, TopicId } from "@stratalog/base";
import { assign, type AssignorMember } from "./assignors/assignor.ts";
import type { Draft } from "./draft.ts";
import { type Group, type Member, membersById, type SubscribedTopic, wantsTopic } from "./group.ts";
import { holdersOf, ownedList } from "./owned-partitions.ts";
import { type PartitionKey, partitionsByTopic } from "./partition-key.ts";
import { reconcileMember } from "./reconcile.ts";
import type { TopicsView } from "./topics-view.ts";

/** Partitions that one group can share out. More are left alone, by name order of the topics. */
const PARTITIONS_PER_GROUP_MAX = 50_000;
const NOBODY: Pick<Group, "members"> = { members: new Map() };

/** Why a group is brought in step, and what topics there are. */
export interface RebalanceCause {
  readonly reason: "members" | "topics";
  readonly topics: TopicsView;
  /** The group before somebody joined it; absent when nobody wants anything new. */
  readonly before?: Group | undefined;
}

/**
 * Brings a group in step with its members and topics: a new epoch, new targets, first steps towards
 * them. `reason` "members": somebody came, left or wants something else. "topics": only when the
 * topics really changed.
 */
export function rebalance(draft: Draft, groupId: GroupId, change: RebalanceCause): void {
  const group = draft.group(groupId);
  const topics = subscribedTopics(group, change.topics);
  if (change.reason === "topics" && isSame(topics, group.topics)) return;
  beginTopics(draft, group, topics, change);
  const epoch = group.groupEpoch + 1;
  draft.add({ type: "group-changed", groupId, epoch, topics });
  retarget(draft, groupId, epoch);
  reconcile(draft, groupId);
}

/**
 * Notes how many partitions each topic has when the group begins to read it. A topic that somebody
 * was waiting for came after the group did, so that all of its partitions count as later ones.
 */
function beginTopics(
  draft: Draft,
  group: Group,
  topics: readonly SubscribedTopic[],
  cause: RebalanceCause,
): void {
  const { members } = "before" in cause ? (cause.before ?? NOBODY) : group;
  const waiting = [...members.values()];
  const begun = topics.flatMap(({ topicId, name, partitionCount }) => {
    if (group.begun.has(topicId)) return [];
    const isAwaited = waiting.some((member) => wantsTopic(member, name));
    return [{ topicId, partitionCount: isAwaited ? 0 : partitionCount }];
  });
  if (begun.length === 0) return;
  draft.add({ type: "topics-begun", groupId: group.groupId, topics: begun });
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
    if (wantsTopic(member, name)) topics.add(topicId);
  }
  const previous = group.targets.get(member.memberId) ?? new Set<PartitionKey>();
  return { memberId: member.memberId, topics, previous };
}

/** The topics that some member wants and that exist, by name. */
function subscribedTopics(group: Group, view: TopicsView): readonly SubscribedTopic[] {
  const members = [...group.members.values()];
  const names = new Set(members.flatMap((member) => member.topics));
  for (const prefix of new Set(members.flatMap((member) => member.prefixes ?? []))) {
    for (const name of view.namesWithPrefix(prefix)) names.add(name);
  }
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
