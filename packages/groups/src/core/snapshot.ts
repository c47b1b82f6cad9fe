import { decodeJson, encodeJson, type JsonDecoding, shape } from "@stratalog/base";
import { emptyGroups, type Group, type GroupsState, groupsByName, membersById } from "./group.ts";
import { ownedList } from "./owned-partitions.ts";
import { comparePartitionKeys, parsePartitionKey, partitionsByTopic } from "./partition-key.ts";
import { type GroupRecord, groupRecordShape, type OffsetFields } from "./records.ts";
import { replayAll } from "./replay.ts";

/**
 * A snapshot is a short log: the records that make the same state from nothing, in a fixed order.
 */
const SNAPSHOT_VERSION = 1;

const snapshotShape = shape.object({
  version: shape.integer(SNAPSHOT_VERSION, SNAPSHOT_VERSION),
  records: shape.list(groupRecordShape),
});

/** The records that make these groups from nothing. */
export function recordsOf(state: GroupsState): readonly GroupRecord[] {
  return groupsByName(state).flatMap(recordsOfGroup);
}

/** The state as bytes. */
export function encodeSnapshot(state: GroupsState): Uint8Array {
  return encodeJson({ version: SNAPSHOT_VERSION, records: recordsOf(state) });
}

/** The state of these bytes, or what is wrong with them. */
export function decodeSnapshot(bytes: Uint8Array): JsonDecoding<GroupsState> {
  const decoded = decodeJson(bytes, snapshotShape);
  if (!decoded.ok) return decoded;
  return { ok: true, value: replayAll(emptyGroups(), decoded.value.records) };
}

function recordsOfGroup(group: Group): readonly GroupRecord[] {
  const { groupId, assignor, groupEpoch, assignmentEpoch, emptySinceMs } = group;
  const members = membersById(group);
  const records: GroupRecord[] = [
    { type: "group-created", groupId, assignor, atMs: emptySinceMs ?? 0 },
  ];
  for (const member of members) {
    const { memberEpoch, revision, state, assigned, revoking, ...subscription } = member;
    records.push({ type: "member-joined", groupId, ...subscription });
    records.push({
      type: "member-assigned",
      groupId,
      memberId: member.memberId,
      memberEpoch,
      revision,
      state,
      assigned: ownedList(assigned),
      revoking: ownedList(revoking),
    });
  }
  const topics = [...group.topics.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (group.begun.size > 0) {
    const begun = [...group.begun].toSorted(([a], [b]) => (a < b ? -1 : 1));
    records.push({
      type: "topics-begun",
      groupId,
      topics: begun.map(([topicId, partitionCount]) => ({ topicId, partitionCount })),
    });
  }
  records.push({ type: "group-changed", groupId, epoch: groupEpoch, topics });
  const targets = members.map(({ memberId }) => ({
    memberId,
    partitions: partitionsByTopic(group.targets.get(memberId) ?? []),
  }));
  records.push({ type: "target-assigned", groupId, epoch: assignmentEpoch, targets });
  const offsets = offsetFields(group);
  if (offsets.length > 0) records.push({ type: "offsets-committed", groupId, offsets });
  return records;
}

/** The committed offsets by topic and partition. */
export function offsetFields(group: Group): readonly OffsetFields[] {
  return [...group.offsets]
    .toSorted(([a], [b]) => comparePartitionKeys(a, b))
    .map(([key, committed]) => ({ ...parsePartitionKey(key), ...committed }));
}
