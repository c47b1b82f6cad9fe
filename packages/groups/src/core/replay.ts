import { assert, type GroupId, PersistentMap, present, unreachable } from "@stratalog/base";
import type { Group, GroupsState, Member } from "./group.ts";
import { ownedFromList } from "./owned-partitions.ts";
import { keysOf, type PartitionKey, partitionKey } from "./partition-key.ts";
import type { GroupRecord } from "./records.ts";

type RecordOf<T extends GroupRecord["type"]> = Extract<GroupRecord, { readonly type: T }>;

/**
 * The state after one more record. Deterministic; a record that does not fit the state is a damaged
 * log.
 */
export function replay(state: GroupsState, record: GroupRecord): GroupsState {
  const { groupId } = record;
  if (record.type === "group-created") {
    assert(!state.groups.has(groupId), `group ${groupId} exists`);
    return { groups: state.groups.with(groupId, newGroup(record)) };
  }
  if (record.type === "group-deleted") return { groups: state.groups.without(groupId) };
  const group = present(state.groups.get(groupId), `group ${groupId}`);
  return { groups: state.groups.with(groupId, replayOnGroup(group, record)) };
}

/** The state after several records. */
export function replayAll(state: GroupsState, records: Iterable<GroupRecord>): GroupsState {
  let result = state;
  for (const record of records) result = replay(result, record);
  return result;
}

function newGroup(record: RecordOf<"group-created">): Group {
  const groupId: GroupId = record.groupId;
  return {
    groupId,
    assignor: record.assignor,
    groupEpoch: 0,
    assignmentEpoch: 0,
    topics: new Map(),
    begun: new Map(),
    members: new Map(),
    targets: new Map(),
    offsets: PersistentMap.empty(),
    emptySinceMs: record.atMs,
  };
}

function replayOnGroup(
  group: Group,
  record: Exclude<GroupRecord, { readonly type: "group-created" | "group-deleted" }>,
): Group {
  switch (record.type) {
    case "group-changed": {
      assert(record.epoch >= group.groupEpoch, "a group's epoch only grows");
      const topics = new Map(record.topics.map((topic) => [topic.topicId, topic]));
      return { ...group, groupEpoch: record.epoch, topics };
    }
    case "topics-begun": {
      const begun = new Map(group.begun);
      for (const { topicId, partitionCount } of record.topics) begun.set(topicId, partitionCount);
      return { ...group, begun };
    }
    case "topics-forgotten": {
      const begun = new Map(group.begun);
      for (const topicId of record.topicIds) begun.delete(topicId);
      return { ...group, begun };
    }
    case "member-joined":
      return withJoined(group, record);
    case "member-left": {
      const members = new Map(group.members);
      const targets = new Map(group.targets);
      assert(members.delete(record.memberId), `member ${record.memberId} leaves once`);
      targets.delete(record.memberId);
      return { ...group, members, targets };
    }
    case "target-assigned": {
      const targets = new Map(group.targets);
      for (const { memberId, partitions } of record.targets) {
        assert(group.members.has(memberId), "a target is of a member");
        targets.set(memberId, keysOf(partitions));
      }
      return { ...group, assignmentEpoch: record.epoch, targets };
    }
    case "member-assigned":
      return withAssigned(group, record);
    case "group-emptied":
      return { ...group, emptySinceMs: record.atMs };
    case "offsets-committed":
      return withOffsets(group, record);
    case "offsets-deleted": {
      let { offsets } = group;
      for (const key of keysOf(record.partitions)) offsets = offsets.without(key);
      return { ...group, offsets };
    }
    default:
      return unreachable(record, "group record");
  }
}

function withJoined(group: Group, record: RecordOf<"member-joined">): Group {
  const { type: _, groupId: __, ...subscription } = record;
  const known = group.members.get(record.memberId);
  const fresh: Omit<Member, keyof typeof subscription> = {
    memberEpoch: 0,
    revision: 0,
    state: "stable",
    assigned: new Map(),
    revoking: new Map(),
  };
  const { memberEpoch, revision, state, assigned, revoking } = known ?? fresh;
  const member = { ...subscription, memberEpoch, revision, state, assigned, revoking };
  const members = new Map(group.members).set(record.memberId, member);
  const targets = group.targets.has(record.memberId)
    ? group.targets
    : new Map(group.targets).set(record.memberId, new Set<PartitionKey>());
  return { ...group, members, targets, emptySinceMs: undefined };
}

function withAssigned(group: Group, record: RecordOf<"member-assigned">): Group {
  const known = present(group.members.get(record.memberId), `member ${record.memberId}`);
  const member: Member = {
    ...known,
    memberEpoch: record.memberEpoch,
    revision: record.revision,
    state: record.state,
    assigned: ownedFromList(record.assigned),
    revoking: ownedFromList(record.revoking),
  };
  return { ...group, members: new Map(group.members).set(record.memberId, member) };
}

function withOffsets(group: Group, record: RecordOf<"offsets-committed">): Group {
  let { offsets } = group;
  for (const { topicId, partition, ...committed } of record.offsets) {
    offsets = offsets.with(partitionKey(topicId, partition), committed);
  }
  return { ...group, offsets };
}
