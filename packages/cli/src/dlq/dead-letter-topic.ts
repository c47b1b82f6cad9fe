import { CodedError, type Stratalog } from "@stratalog/client";

/** What a dead-letter topic has, and how far its redrive is. */
export interface DeadLetterTopic {
  readonly topic: string;
  readonly partitions: readonly DeadLetterPartition[];
}

/** One partition of it. */
export interface DeadLetterPartition {
  readonly partition: number;
  readonly start: bigint;
  /** Offset of the first record that was not redriven. */
  readonly next: bigint;
  readonly end: bigint;
}

/** The group whose committed offsets say what was redriven. */
export function redriveGroupOf(topic: string): string {
  return `${topic}.redrive`;
}

/** Looks at a dead-letter topic. UNKNOWN_TOPIC_OR_PARTITION when there is none. */
export async function lookAt(
  client: Stratalog,
  topic: string,
  signal: AbortSignal,
): Promise<DeadLetterTopic> {
  const admin = client.admin();
  const starts = await admin.listOffsets({ topic, at: "earliest" }, { signal });
  const ends = await admin.listOffsets({ topic, at: "latest" }, { signal });
  const redriven = await redrivenOffsets(client, topic, signal);
  const partitions = starts.map(({ partition, offset: start }) => {
    const end = ends.find((each) => each.partition === partition)?.offset ?? start;
    const committed = redriven.get(partition) ?? start;
    return { partition, start, end, next: committed < start ? start : committed };
  });
  return { topic, partitions };
}

/** Records that were not redriven. */
export function waitingCount({ partitions }: DeadLetterTopic): bigint {
  return partitions.reduce((sum, { next, end }) => sum + (end > next ? end - next : 0n), 0n);
}

/** How far each partition was redriven; nothing when it never was. */
export async function redrivenOffsets(
  client: Stratalog,
  topic: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, bigint>> {
  try {
    const group = await client.admin().describeGroup(redriveGroupOf(topic), { signal });
    const own = group.offsets.filter((each) => each.topic === topic);
    return new Map(own.map(({ partition, offset }) => [partition, offset]));
  } catch (error) {
    if (CodedError.is(error) && error.code === "GROUP_NOT_FOUND") return new Map();
    throw error;
  }
}
