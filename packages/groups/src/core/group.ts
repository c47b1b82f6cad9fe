import { type GroupId, type MemberId, PersistentMap, type TopicId } from "@stratalog/base";
import type { PartitionKey } from "./partition-key.ts";

/** How partitions are shared out. */
export type AssignorName = "uniform" | "range";

/**
 * stable: has all it should have. revoking: must give something up first, and stays in its epoch
 * until it says that it did. waiting: is in the target's epoch, but other members still hold some
 * of what it should have.
 */
export type MemberState = "stable" | "revoking" | "waiting";

/**
 * Partitions that a member owns, each with the member epoch since which it does without a break.
 */
export type OwnedPartitions = ReadonlyMap<PartitionKey, number>;

/** What a member asked for when it joined. */
export interface Subscription {
  readonly memberId: MemberId;
  /** Static name: whoever joins under it next takes this member's place. */
  readonly instanceId?: string;
  readonly clientId: string;
  readonly rack?: string;
  /** Names of topics, sorted; they need not exist. */
  readonly topics: readonly string[];
  /** Every topic whose name begins with one of these is wanted as well, once it exists. Sorted. */
  readonly prefixes?: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
}

/**
 * One member. Invariants: memberEpoch ≤ the group's assignmentEpoch; `assigned` and `revoking` are
 * disjoint; `revoking` is empty unless the state is "revoking"; every since-epoch ≤ memberEpoch.
 */
export interface Member extends Subscription {
  readonly memberEpoch: number;
  /** Grows with every change that the member must be told of. */
  readonly revision: number;
  readonly state: MemberState;
  /** What the member may work on. */
  readonly assigned: OwnedPartitions;
  /** What it was told to give up and may still be working on. */
  readonly revoking: OwnedPartitions;
}

/** A topic that some member wants and that exists. */
export interface SubscribedTopic {
  readonly topicId: TopicId;
  readonly name: string;
  readonly partitionCount: number;
}

/** A committed offset: the next record to read. */
export interface CommittedOffset {
  readonly topic: string;
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata: string;
  readonly committedMs: number;
}

/**
 * One consumer group. Invariants: no partition is in `assigned` or `revoking` of two members;
 * assignmentEpoch ≤ groupEpoch; there is a target for every member and for nobody else.
 */
export interface Group {
  readonly groupId: GroupId;
  readonly assignor: AssignorName;
  /** Grows with every change of members, subscriptions or partition counts. */
  readonly groupEpoch: number;
  /** The group epoch that the targets were computed for. */
  readonly assignmentEpoch: number;
  readonly topics: ReadonlyMap<TopicId, SubscribedTopic>;
  /**
   * Topics that the group ever began to read, with the number of partitions that each had then.
   * Partitions from that number on came later: without an offset they are read from their first
   * record. Outlives the members; goes with the topic, or with its offsets.
   */
  readonly begun: ReadonlyMap<TopicId, number>;
  readonly members: ReadonlyMap<MemberId, Member>;
  readonly targets: ReadonlyMap<MemberId, ReadonlySet<PartitionKey>>;
  readonly offsets: PersistentMap<PartitionKey, CommittedOffset>;
  /** When the last member left or the group was made; undefined while it has members. */
  readonly emptySinceMs: number | undefined;
}

/** All groups of one coordinator. */
export interface GroupsState {
  readonly groups: PersistentMap<GroupId, Group>;
}

/** Whether a member wants a topic of this name. */
export function wantsTopic(member: Subscription, name: string): boolean {
  if (member.topics.includes(name)) return true;
  return member.prefixes?.some((prefix) => name.startsWith(prefix)) === true;
}

/**
 * Whether a partition came after the group began to read its topic: it has records that no rule for
 * beginners may skip.
 */
export function isLaterPartition(group: Group, topicId: TopicId, partition: number): boolean {
  const countAtFirst = group.begun.get(topicId);
  return countAtFirst !== undefined && partition >= countAtFirst;
}

/** A coordinator without groups. */
export function emptyGroups(): GroupsState {
  return { groups: PersistentMap.empty() };
}

/** All groups by name. */
export function groupsByName(state: GroupsState): readonly Group[] {
  return [...state.groups.values()].toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1));
}

/** Members by id: the order in which everything about members is decided. */
export function membersById(group: Group): readonly Member[] {
  return [...group.members.values()].toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
}
