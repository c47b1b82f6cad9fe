import type { TopicId } from "@stratalog/base";
import type { Group, GroupsState } from "../group.ts";
import { groupsByName } from "../group.ts";
import { parsePartitionKey, partitionsByTopic } from "../partition-key.ts";
import type { GroupRecord } from "../records.ts";
import { accept, type GroupContext, type GroupResult } from "./command-result.ts";

/**
 * Deletes groups that nobody has used for long, and their offsets. In a group with members: the
 * offsets of topics that none of them wants any more, a retention after the last commit.
 */
export interface ExpireGroups {
  /** How long a group without members is kept after its last member or commit. */
  readonly retentionMs: number;
}

/** Deletions of one run; the next run goes on. */
const EXPIRED_PER_RUN_MAX = 500;

/** Answers how many were deleted. A group with members is never deleted. */
export function handleExpireGroups(
  state: GroupsState,
  command: ExpireGroups,
  context: GroupContext,
): GroupResult<{ readonly deletedCount: number }> {
  const records: GroupRecord[] = [];
  for (const group of groupsByName(state)) {
    if (records.length >= EXPIRED_PER_RUN_MAX) break;
    forgetUnwanted(records, group, context.nowMs - command.retentionMs);
    const lastUseMs = lastUse(group);
    if (lastUseMs === undefined || lastUseMs + command.retentionMs > context.nowMs) continue;
    records.push({ type: "group-deleted", groupId: group.groupId });
  }
  const deletedCount = records.filter(({ type }) => type === "group-deleted").length;
  return accept(records, { deletedCount });
}

function forgetUnwanted(records: GroupRecord[], group: Group, beforeMs: number): void {
  const { groupId, members, topics, offsets } = group;
  if (members.size === 0) return;
  const lastCommits = new Map<TopicId, number>();
  for (const [key, { committedMs }] of offsets) {
    const { topicId } = parsePartitionKey(key);
    if (topics.has(topicId)) continue;
    lastCommits.set(topicId, Math.max(committedMs, lastCommits.get(topicId) ?? 0));
  }
  const topicIds = [...lastCommits].flatMap(([topicId, ms]) => (ms <= beforeMs ? [topicId] : []));
  if (topicIds.length === 0) return;
  const dead = [...offsets.keys()].filter((key) => {
    return topicIds.includes(parsePartitionKey(key).topicId);
  });
  records.push({ type: "offsets-deleted", groupId, partitions: partitionsByTopic(dead) });
  records.push({ type: "topics-forgotten", groupId, topicIds: topicIds.toSorted() });
}

function lastUse(group: Group): number | undefined {
  if (group.emptySinceMs === undefined) return undefined;
  let latestMs = group.emptySinceMs;
  for (const { committedMs } of group.offsets.values()) latestMs = Math.max(latestMs, committedMs);
  return latestMs;
}
