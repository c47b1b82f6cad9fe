import { CodedError } from "@stratalog/base";
import { type ResetRule, resetTarget } from "../../core/offset-reset.ts";
import { toPublicOffset } from "../../core/public-offset.ts";
import { partitionKey, type TopicPartition, ungroup } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { listOffsets, type OffsetSpec } from "../list-offsets.ts";
import type {
  GroupDescription,
  GroupLag,
  PartitionReset,
  ResetPoint,
  ResetRequest,
} from "./admin-types.ts";

/** How far behind a group is: every partition that a member owns or that has an offset. */
export async function groupLag(
  cluster: Cluster,
  group: GroupDescription,
  signal: AbortSignal | undefined,
): Promise<readonly GroupLag[]> {
  const owners = new Map(
    group.members.flatMap(({ memberId, clientId, owned }) =>
      ungroup(owned).map((each) => [partitionKey(each), { memberId, clientId }] as const),
    ),
  );
  const committed = committedOffsets(group);
  const all = [...group.members.flatMap(({ owned }) => ungroup(owned)), ...group.offsets];
  const partitions = [...new Map(all.map((each) => [partitionKey(each), each])).values()];
  const ends = await endsOf(cluster, partitions, signal);
  return partitions.toSorted(byPlace).map(({ topic, partition }) => {
    const key = partitionKey({ topic, partition });
    const [offset, end] = [committed.get(key), ends.get(key)];
    const lag = offset === undefined || end === undefined ? undefined : Math.max(0, end - offset);
    return {
      topic,
      partition,
      memberId: owners.get(key)?.memberId,
      clientId: owners.get(key)?.clientId,
      committed: publicOffset(offset),
      end: publicOffset(end),
      lag: publicOffset(lag),
    };
  });
}

/** What a reset would set. Rejects with GROUP_NOT_EMPTY, and with INVALID_REQUEST for no offset. */
export async function planReset(
  cluster: Cluster,
  group: GroupDescription | undefined,
  request: ResetRequest,
): Promise<readonly PartitionReset[]> {
  refuseMembers(group, request.groupId);
  const { to, signal } = request;
  const committed = group === undefined ? new Map<string, number>() : committedOffsets(group);
  const partitions = await wantedPartitions(cluster, group, request);
  const ask = async (at: OffsetSpec): Promise<readonly number[]> => {
    const found = await listOffsets(
      cluster,
      partitions.map(({ topic, partition }) => ({ topic, partition, at })),
      signal,
    );
    return found.map(({ offset }) => offset);
  };
  const [earliest, latest] = [await ask("earliest"), await ask("latest")];
  const rule = ruleOf(to);
  const isByTime = typeof rule === "object" && "timestampMs" in rule;
  const atTime = isByTime ? await ask(rule) : [];
  return partitions.map((each, index) => {
    const known = committed.get(partitionKey(each));
    const range = { earliest: earliest[index] ?? 0, latest: latest[index] ?? 0 };
    const target = resetTarget(
      { ...each, ...range, committed: known, atTime: atTime[index] },
      rule,
    );
    if (target === undefined) {
      const message = `${partitionKey(each)} has no committed offset to shift from`;
      throw new CodedError("INVALID_REQUEST", message);
    }
    const { topic, partition } = each;
    const lag = toPublicOffset(range.latest - target);
    return { topic, partition, from: publicOffset(known), to: toPublicOffset(target), lag };
  });
}

/** GROUP_NOT_EMPTY while the group has members: they would go on where they are. */
export function refuseMembers(group: GroupDescription | undefined, groupId: string): void {
  const memberCount = group?.members.length ?? 0;
  if (memberCount === 0) return;
  throw new CodedError(
    "GROUP_NOT_EMPTY",
    `group ${groupId} has ${memberCount} members; stop them before its offsets are reset`,
    { details: { groupId, memberCount } },
  );
}

function ruleOf(to: ResetPoint): ResetRule {
  const isByTime = typeof to === "object" && "timestamp" in to;
  return isByTime ? { timestampMs: Number(to.timestamp) } : to;
}

async function wantedPartitions(
  cluster: Cluster,
  group: GroupDescription | undefined,
  { topics, partitions, signal }: ResetRequest,
): Promise<readonly TopicPartition[]> {
  if (topics === undefined) {
    const known = (group?.offsets ?? []).map(({ topic, partition }) => ({ topic, partition }));
    if (known.length > 0) return known.toSorted(byPlace);
    throw new CodedError("INVALID_REQUEST", "the group has no offsets: name the topics to set");
  }
  if (partitions !== undefined && topics.length !== 1) {
    throw new CodedError("INVALID_REQUEST", "partitions go with exactly one topic");
  }
  const all: TopicPartition[] = [];
  for (const topic of topics) {
    const { leaders } = await cluster.topic(topic, signal);
    const numbers = partitions ?? leaders.map((_leader, partition) => partition);
    all.push(...numbers.map((partition) => ({ topic, partition })));
  }
  return all;
}

/** Ends by partition; a topic whose leaders do not answer, or that is gone, has none. */
async function endsOf(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, number>> {
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const ends = new Map<string, number>();
  const asked = topics.map(async (topic) => {
    const questions = partitions
      .filter((each) => each.topic === topic)
      .map(({ partition }) => ({ topic, partition, at: "latest" as const }));
    for (const each of await listOffsets(cluster, questions, signal)) {
      ends.set(partitionKey(each), each.offset);
    }
  });
  for (const outcome of await Promise.allSettled(asked)) {
    if (outcome.status === "fulfilled") continue;
    const error = CodedError.from(outcome.reason);
    if (!error.retriable && error.code !== "REQUEST_TIMED_OUT") throw error;
    cluster.environment.logger.warn({ error: error.message }, "lag without ends of partitions");
  }
  return ends;
}

function committedOffsets(group: GroupDescription): ReadonlyMap<string, number> {
  return new Map(group.offsets.map((each) => [partitionKey(each), Number(each.offset)]));
}

function byPlace(a: TopicPartition, b: TopicPartition): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1;
  return a.partition - b.partition;
}

function publicOffset(offset: number | undefined): bigint | undefined {
  return offset === undefined ? undefined : toPublicOffset(offset);
}
