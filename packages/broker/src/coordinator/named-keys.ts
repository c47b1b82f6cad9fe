import { type Group, type PartitionKey, partitionKey, type TopicsView } from "@stratalog/groups";
import type { TopicPartitions } from "../services/ports.ts";

/**
 * The keys of partitions that a member calls by name. A name means the topic that the group has
 * under it; where the group has none, the topic that exists now; a name of neither is of a deleted
 * topic and means nothing any more.
 */
export function keysByName(
  named: readonly TopicPartitions[],
  group: Group | undefined,
  topics: TopicsView,
): ReadonlySet<PartitionKey> {
  const known = new Map([...(group?.topics.values() ?? [])].map((topic) => [topic.name, topic]));
  const keys = new Set<PartitionKey>();
  for (const { topic, partitions } of named) {
    const topicId = known.get(topic)?.topicId ?? topics.byName(topic)?.topicId;
    if (topicId === undefined) continue;
    for (const partition of partitions) keys.add(partitionKey(topicId, partition));
  }
  return keys;
}
