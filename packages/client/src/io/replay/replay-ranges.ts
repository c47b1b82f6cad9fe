import { CodedError } from "@stratalog/base";
import { fromPublicOffset } from "../../core/public-offset.ts";
import { planReplay, type ReplayPartition, type ReplayRange } from "../../core/replay-plan.ts";
import type { Cluster } from "../cluster.ts";
import { listOffsets, type OffsetSpec } from "../list-offsets.ts";
import { newestTopic } from "./newest-topic.ts";
import type { ReplayOptions, ReplayPoint } from "./replay-options.ts";

type RangeOptions = Pick<ReplayOptions, "topic" | "partitions" | "from" | "to">;

/** What of each partition a replay reads; OFFSET_OUT_OF_RANGE for a start that is not there. */
export function rangesOf(bounds: readonly ReplayPartition[]): readonly ReplayRange[] {
  const plan = planReplay(bounds);
  if (plan.ok) return plan.ranges;
  throw outOfRangeError(plan.outOfRange);
}

/** Fixes where a replay begins and ends in each partition, confirmed by the leaders' quorums. */
export async function resolveBounds(
  cluster: Cluster,
  options: RangeOptions,
  signal?: AbortSignal,
): Promise<readonly ReplayPartition[]> {
  const { topic } = options;
  const known = await newestTopic(cluster, topic, signal);
  const all = known.leaders.map((_leader, partition) => partition);
  const partitions = [...new Set(options.partitions ?? all)];
  const resolve = async (at: OffsetSpec): Promise<readonly number[]> => {
    const questions = partitions.map((partition) => ({ topic, partition, at }));
    const found = await listOffsets(cluster, questions, signal);
    return found.map(({ offset }) => offset);
  };
  // The end first: what is appended while the other questions are asked is not part of the replay.
  const latest = await resolve("latest");
  const place = { partitions, resolve };
  const wantedEnd = await resolvePoint(options.to ?? "end", { ...place, named: latest });
  const earliest = await resolve("earliest");
  // What was appended since the end was fixed may be found by time: the replay is empty then.
  const start = await resolvePoint(options.from ?? "earliest", { ...place, named: earliest });
  const wantedStart = start.map((offset, index) =>
    isTime(options.from) ? clamp(offset, earliest[index] ?? 0, latest[index] ?? 0) : offset,
  );
  return partitions.map((partition, index) => ({
    topic,
    partition,
    wantedStart: wantedStart[index] ?? 0,
    wantedEnd: wantedEnd[index] ?? 0,
    earliest: earliest[index] ?? 0,
    latest: latest[index] ?? 0,
  }));
}

function isTime(point: ReplayOptions["from"]): boolean {
  return typeof point === "object" && "timestamp" in point;
}

function clamp(offset: number, min: number, max: number): number {
  return Math.min(Math.max(offset, min), max);
}

function outOfRangeError(partition: ReplayPartition): CodedError {
  const { topic, partition: number, wantedStart: offset, earliest, latest } = partition;
  return new CodedError(
    "OFFSET_OUT_OF_RANGE",
    `${topic}/${number} has offsets ${earliest} to ${latest}, not ${offset}`,
    { details: { topic, partition: number, offset, logStartOffset: earliest, endOffset: latest } },
  );
}

async function resolvePoint(
  point: "earliest" | "end" | ReplayPoint,
  place: {
    readonly partitions: readonly number[];
    /** What "earliest" or "end" is in each of them. */
    readonly named: readonly number[];
    readonly resolve: (at: OffsetSpec) => Promise<readonly number[]>;
  },
): Promise<readonly number[]> {
  const { partitions, named, resolve } = place;
  if (point === "earliest" || point === "end") return named;
  if ("offset" in point) {
    const offset = fromPublicOffset(point.offset);
    return named.map(() => offset);
  }
  if ("offsets" in point) {
    return partitions.map((partition, index) => {
      const offset = point.offsets[partition];
      return offset === undefined ? (named[index] ?? 0) : fromPublicOffset(offset);
    });
  }
  return await resolve({ timestampMs: Number(point.timestamp) });
}
