import { encodeUtf8, type GroupId, type MemberId } from "@stratalog/base";
import type { GroupsState, Member } from "../group.ts";
import {
  COMMIT_METADATA_BYTES_MAX,
  GROUPS_MAX,
  OFFSET_METADATA_BYTES_MAX,
  OFFSETS_PER_COMMIT_MAX,
} from "../limits.ts";
import { partitionKey } from "../partition-key.ts";
import type { GroupRecord, OffsetFields } from "../records.ts";
import {
  accept,
  type Done,
  type GroupContext,
  type GroupRefusal,
  type GroupResult,
  refuse,
} from "./command-result.ts";
import { findMember, refuseEpoch, refuseFenced, refuseGroupId } from "./find-member.ts";

/** An offset to commit: the next record to read. */
export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata: string;
}

/** Commits offsets, all or none, as a member or for manual assignment. */
export interface CommitOffsets {
  readonly groupId: GroupId;
  /** Absent: manual assignment, refused while the group has members. */
  readonly member?: { readonly memberId: MemberId; readonly memberEpoch: number };
  readonly offsets: readonly OffsetToCommit[];
}

/**
 * A member's commit counts for partitions that it has owned without a break since the epoch it
 * names: a commit on its way while the group moves on is good for what the member kept, and never
 * for what went to somebody else in between.
 */
export function handleCommitOffsets(
  state: GroupsState,
  command: CommitOffsets,
  context: GroupContext,
): GroupResult<Done> {
  const { groupId, offsets } = command;
  const wrong = refuseGroupId(groupId) ?? refuseOffsets(offsets);
  if (wrong !== undefined) return wrong;
  const resolved: OffsetFields[] = [];
  for (const { partition, ...one } of offsets) {
    const topic = context.topics.byName(one.topic);
    if (topic === undefined || partition >= topic.partitionCount) {
      const message = `there is no partition ${partition} of topic ${one.topic}`;
      return refuse("UNKNOWN_TOPIC_OR_PARTITION", message);
    }
    resolved.push({ topicId: topic.topicId, partition, ...one, committedMs: context.nowMs });
  }
  const refusal = refuseCommitter(state, command, resolved);
  if (refusal !== undefined) return refusal;
  const records: GroupRecord[] = [];
  if (!state.groups.has(groupId)) {
    records.push({ type: "group-created", groupId, assignor: "uniform", atMs: context.nowMs });
  }
  records.push({ type: "offsets-committed", groupId, offsets: resolved });
  return accept(records, {});
}

function refuseOffsets(offsets: readonly OffsetToCommit[]): GroupRefusal | undefined {
  if (offsets.length < 1 || offsets.length > OFFSETS_PER_COMMIT_MAX) {
    const message = `a commit has 1 to ${OFFSETS_PER_COMMIT_MAX} offsets, not ${offsets.length}`;
    return refuse("INVALID_REQUEST", message);
  }
  const seen = new Set<string>();
  let metadataBytes = 0;
  for (const { topic, partition, offset, metadata } of offsets) {
    if (!Number.isSafeInteger(offset) || offset < 0) {
      return refuse("INVALID_REQUEST", `${offset} is not an offset`);
    }
    if (!Number.isInteger(partition) || partition < 0) {
      return refuse("INVALID_REQUEST", `${partition} is not a partition`);
    }
    const place = `${topic}:${partition}`;
    if (seen.has(place)) return refuse("INVALID_REQUEST", `${place} is there twice`);
    seen.add(place);
    const bytes = encodeUtf8(metadata).length;
    metadataBytes += bytes;
    if (bytes > OFFSET_METADATA_BYTES_MAX) {
      const message = `metadata of an offset has at most ${OFFSET_METADATA_BYTES_MAX} bytes`;
      return refuse("INVALID_REQUEST", message);
    }
  }
  if (metadataBytes > COMMIT_METADATA_BYTES_MAX) {
    const message = `metadata of one commit has at most ${COMMIT_METADATA_BYTES_MAX} bytes`;
    return refuse("INVALID_REQUEST", message);
  }
  return undefined;
}

function refuseCommitter(
  state: GroupsState,
  command: CommitOffsets,
  offsets: readonly OffsetFields[],
): GroupRefusal | undefined {
  const { groupId, member } = command;
  if (member !== undefined) {
    const found = findMember(state, groupId, member.memberId);
    if ("code" in found) return found;
    return refuseMember(found.member, member.memberEpoch, offsets);
  }
  const group = state.groups.get(groupId);
  if (group === undefined && state.groups.size >= GROUPS_MAX) {
    return refuse("THROTTLED", `this coordinator has ${GROUPS_MAX} groups already`);
  }
  if (group === undefined || group.members.size === 0) return undefined;
  return refuse(
    "UNKNOWN_MEMBER",
    `group ${groupId} has ${group.members.size} members; commit as one of them`,
  );
}

function refuseMember(
  member: Member,
  memberEpoch: number,
  offsets: readonly OffsetFields[],
): GroupRefusal | undefined {
  const newer = refuseEpoch(member, memberEpoch);
  if (newer !== undefined) return newer;
  for (const { topicId, topic, partition } of offsets) {
    const key = partitionKey(topicId, partition);
    const sinceEpoch = member.assigned.get(key) ?? member.revoking.get(key);
    if (sinceEpoch === undefined || sinceEpoch > memberEpoch) {
      const why = `it did not own ${topic}-${partition} in epoch ${memberEpoch}, or lost it since`;
      return refuseFenced(member, why);
    }
  }
  return undefined;
}
