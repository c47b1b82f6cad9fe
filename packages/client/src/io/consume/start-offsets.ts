import { CodedError } from "@stratalog/base";
import { groupByTopic, partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { callCoordinator } from "../group-calls.ts";
import { listOffsets } from "../list-offsets.ts";
import type { OffsetReset } from "./consumer-options.ts";

/** Where reading of a partition begins. */
export interface StartOffset extends TopicPartition {
  readonly offset: number;
  /** What the group has stored; −1 for nothing. */
  readonly committed: number;
}

/** What decides where reading begins. */
export interface StartRules {
  readonly group: string | undefined;
  readonly reset: OffsetReset;
  readonly signal: AbortSignal;
}

/** The group's stored offsets; where there is none, what the reset rule says. */
export async function startOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  rules: StartRules,
): Promise<readonly StartOffset[]> {
  const { group, reset, signal } = rules;
  const { committed, fromFirst } =
    group === undefined ? NOTHING : await stored(cluster, group, { partitions, signal });
  const missing = partitions.filter((each) => !committed.has(partitionKey(each)));
  const isNew = (each: TopicPartition): boolean => fromFirst.has(partitionKey(each));
  const found = new Map<string, number>();
  for (const [some, rule] of [
    [missing.filter((each) => !isNew(each)), reset],
    [missing.filter(isNew), "earliest"],
  ] as const) {
    if (some.length === 0) continue;
    for (const each of await resetOffsets(cluster, some, { reset: rule, signal })) {
      found.set(partitionKey(each), each.offset);
    }
  }
  return partitions.map((each) => {
    const key = partitionKey(each);
    const known = committed.get(key);
    return { ...each, offset: known ?? found.get(key) ?? 0, committed: known ?? -1 };
  });
}

/** Where the reset rule says to begin; with "none", OFFSET_OUT_OF_RANGE. */
export async function resetOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  rules: { readonly reset: OffsetReset; readonly signal: AbortSignal },
): Promise<readonly (TopicPartition & { readonly offset: number })[]> {
  const { reset, signal } = rules;
  if (reset === "none") {
    const names = partitions.map(partitionKey).join(", ");
    throw new CodedError(
      "OFFSET_OUT_OF_RANGE",
      `there is no usable offset for ${names}, and autoOffsetReset is "none"`,
    );
  }
  const questions = partitions.map(({ topic, partition }) => ({ topic, partition, at: reset }));
  return await listOffsets(cluster, questions, signal);
}

/** What a group has stored about partitions. */
interface Stored {
  readonly committed: ReadonlyMap<string, number>;
  /** Partitions that came after the group began: they are read from their first record. */
  readonly fromFirst: ReadonlySet<string>;
}

const NOTHING: Stored = { committed: new Map(), fromFirst: new Set() };

async function stored(
  cluster: Cluster,
  groupId: string,
  about: { readonly partitions: readonly TopicPartition[]; readonly signal: AbortSignal },
): Promise<Stored> {
  const response = await callCoordinator(cluster, groupId, {
    method: "fetchOffsets",
    request: { groupId, partitions: groupByTopic(about.partitions) },
    signal: about.signal,
  });
  const committed = new Map<string, number>();
  const fromFirst = new Set<string>();
  for (const each of response.offsets) {
    if (each.offset >= 0) committed.set(partitionKey(each), each.offset);
    else if (each.fromFirst) fromFirst.add(partitionKey(each));
  }
  return { committed, fromFirst };
}
