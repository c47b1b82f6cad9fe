import type { GroupId, MemberId } from "@stratalog/base";
import { type AssignorName, type Group, type Member, membersById } from "./group.ts";
import { heldBy } from "./owned-partitions.ts";
import { type PartitionKey, partitionsByTopic } from "./partition-key.ts";
import type { OffsetFields } from "./records.ts";
import { offsetFields } from "./snapshot.ts";

/**
 * empty: no members. reconciling: partitions are on their way. stable: everyone has what it should.
 */
export type GroupStateName = "empty" | "assigning" | "reconciling" | "stable";

/** Partitions of one topic, by name. */
export interface NamedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** One member, for people. */
export interface MemberDescription {
  readonly memberId: MemberId;
  readonly instanceId: string;
  readonly clientId: string;
  readonly memberEpoch: number;
  readonly topics: readonly string[];
  readonly prefixes: readonly string[];
  readonly owned: readonly NamedPartitions[];
  readonly target: readonly NamedPartitions[];
}

/** A group with its members by id and its committed offsets, for people. */
export interface GroupDescription {
  readonly groupId: GroupId;
  readonly state: GroupStateName;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: AssignorName;
  readonly members: readonly MemberDescription[];
  readonly offsets: readonly OffsetFields[];
}

/** Where a group stands. */
export function groupStateName(group: Group): GroupStateName {
  if (group.members.size === 0) return "empty";
  if (group.assignmentEpoch < group.groupEpoch) return "assigning";
  const isSettled = [...group.members.values()].every((member) => {
    return member.state === "stable" && member.memberEpoch === group.assignmentEpoch;
  });
  return isSettled ? "stable" : "reconciling";
}

/** Everything about a group. */
export function describeGroup(group: Group): GroupDescription {
  const { groupId, groupEpoch, assignmentEpoch, assignor } = group;
  const members = membersById(group).map((member) => describeMember(group, member));
  const state = groupStateName(group);
  const offsets = offsetFields(group);
  return { groupId, state, groupEpoch, assignmentEpoch, assignor, members, offsets };
}

/**
 * Partitions with the names that the group knows their topics by; those of deleted topics are left
 * out.
 */
export function namedPartitions(
  group: Group,
  keys: Iterable<PartitionKey>,
): readonly NamedPartitions[] {
  return partitionsByTopic(keys)
    .flatMap(({ topicId, partitions }) => {
      const topic = group.topics.get(topicId)?.name;
      return topic === undefined ? [] : [{ topic, partitions }];
    })
    .toSorted((a, b) => (a.topic < b.topic ? -1 : 1));
}

function describeMember(group: Group, member: Member): MemberDescription {
  const { memberId, instanceId = "", clientId, memberEpoch, topics, prefixes = [] } = member;
  const owned = namedPartitions(group, heldBy(member).keys());
  const target = namedPartitions(group, group.targets.get(memberId) ?? []);
  return { memberId, instanceId, clientId, memberEpoch, topics, prefixes, owned, target };
}
