import { assert, type Brand, type PartitionNumber, type TopicId } from "@stratalog/base";

/**
 * One partition as one text, `<topic id>:<partition>`, so that sets of partitions are sets of
 * texts.
 */
export type PartitionKey = Brand<string, "PartitionKey">;

/** Some partitions of one topic, as they travel. */
export interface PartitionsOfTopic {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

/** The key of a partition. */
export function partitionKey(topicId: TopicId, partition: number): PartitionKey {
  assert(Number.isInteger(partition) && partition >= 0, `partition ${partition}`);
  return `${topicId}:${partition}` as PartitionKey;
}

/** The partition of a key. */
export function parsePartitionKey(key: PartitionKey): {
  readonly topicId: TopicId;
  readonly partition: PartitionNumber;
} {
  const colon = key.lastIndexOf(":");
  // A key is only made by partitionKey, which checked both parts.
  return {
    topicId: key.slice(0, colon) as TopicId,
    partition: Number(key.slice(colon + 1)) as PartitionNumber,
  };
}

/** Orders keys by topic, then by partition number. */
export function comparePartitionKeys(a: PartitionKey, b: PartitionKey): number {
  const left = parsePartitionKey(a);
  const right = parsePartitionKey(b);
  if (left.topicId !== right.topicId) return left.topicId < right.topicId ? -1 : 1;
  return left.partition - right.partition;
}

/** The keys by topic, in order. */
export function partitionsByTopic(keys: Iterable<PartitionKey>): readonly PartitionsOfTopic[] {
  const byTopic = new Map<TopicId, number[]>();
  for (const key of [...keys].toSorted(comparePartitionKeys)) {
    const { topicId, partition } = parsePartitionKey(key);
    const partitions = byTopic.get(topicId);
    if (partitions === undefined) byTopic.set(topicId, [partition]);
    else partitions.push(partition);
  }
  return [...byTopic].map(([topicId, partitions]) => ({ topicId, partitions }));
}

/** The inverse of {@link partitionsByTopic}. */
export function keysOf(topics: readonly PartitionsOfTopic[]): ReadonlySet<PartitionKey> {
  const keys = new Set<PartitionKey>();
  for (const { topicId, partitions } of topics) {
    for (const partition of partitions) keys.add(partitionKey(topicId, partition));
  }
  return keys;
}
