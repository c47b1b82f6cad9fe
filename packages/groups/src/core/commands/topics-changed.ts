import type { TopicId } from "@stratalog/base";
import { Draft } from "../draft.ts";
import { type GroupsState, groupsByName } from "../group.ts";
import { parsePartitionKey, partitionsByTopic } from "../partition-key.ts";
import { rebalance } from "../rebalance.ts";
import { accept, type Done, type GroupContext, type GroupResult } from "./command-result.ts";

/** Topics came, grew or went; the context has what there is now. */
export interface TopicsChanged {
  /**
   * Topics known to be deleted. Ids are never used again, so one that is missed leaves only dead
   * offsets behind.
   */
  readonly deleted: readonly TopicId[];
}

/** Brings every group in step with the topics it wants and forgets the offsets of deleted ones. */
export function handleTopicsChanged(
  state: GroupsState,
  command: TopicsChanged,
  context: GroupContext,
): GroupResult<Done> {
  const draft = new Draft(state);
  const deleted = new Set(command.deleted);
  for (const { groupId, members, offsets, begun } of groupsByName(state)) {
    if (members.size > 0) rebalance(draft, groupId, { reason: "topics", topics: context.topics });
    if (deleted.size === 0) continue;
    const topicIds = [...begun.keys()].filter((topicId) => deleted.has(topicId));
    if (topicIds.length > 0) draft.add({ type: "topics-forgotten", groupId, topicIds });
    const dead = [...offsets.keys()].filter((key) => deleted.has(parsePartitionKey(key).topicId));
    if (dead.length === 0) continue;
    draft.add({ type: "offsets-deleted", groupId, partitions: partitionsByTopic(dead) });
  }
  return accept(draft.records, {});
}
