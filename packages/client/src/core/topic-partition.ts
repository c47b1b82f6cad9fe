/** A partition by name. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** A text that is the same for the same partition. Names of topics have no slash. */
export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** The wire's grouping by topic as single partitions. */
export function ungroup(
  groups: readonly { readonly topic: string; readonly partitions: readonly number[] }[],
): readonly TopicPartition[] {
  return groups.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => ({ topic, partition })),
  );
}

/** Single partitions in the wire's grouping by topic. */
export function groupByTopic(
  partitions: readonly TopicPartition[],
): readonly { readonly topic: string; readonly partitions: readonly number[] }[] {
  const groups = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const group = groups.get(topic);
    if (group === undefined) groups.set(topic, [partition]);
    else group.push(partition);
  }
  return [...groups].map(([topic, numbers]) => ({ topic, partitions: numbers }));
}

/** The partitions of `from` that are not in `other`. */
export function without<T extends TopicPartition>(
  from: readonly T[],
  other: readonly TopicPartition[],
): readonly T[] {
  const keys = new Set(other.map(partitionKey));
  return from.filter((each) => !keys.has(partitionKey(each)));
}
