import type { Group, GroupsState } from "../group.ts";
import { groupsByName } from "../group.ts";
import type { GroupRecord } from "../records.ts";
import { accept, type GroupContext, type GroupResult } from "./command-result.ts";

/** Deletes groups that nobody has used for long, and their offsets. */
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
    const lastUseMs = lastUse(group);
    if (lastUseMs === undefined || lastUseMs + command.retentionMs > context.nowMs) continue;
    records.push({ type: "group-deleted", groupId: group.groupId });
  }
  return accept(records, { deletedCount: records.length });
}

function lastUse(group: Group): number | undefined {
  if (group.emptySinceMs === undefined) return undefined;
  let latestMs = group.emptySinceMs;
  for (const { committedMs } of group.offsets.values()) latestMs = Math.max(latestMs, committedMs);
  return latestMs;
}
