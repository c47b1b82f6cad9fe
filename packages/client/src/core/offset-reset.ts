import type { TopicPartition } from "./topic-partition.ts";

/** Where a group is to go on: {@link ResetPoint} without machine types. */
export type ResetRule =
  | "earliest"
  | "latest"
  | { readonly offset: bigint | number }
  | { readonly timestampMs: number }
  | { readonly shift: number };

/** One partition: what it has, offsets in [earliest, latest], and what the group committed. */
export interface ResetPartition extends TopicPartition {
  readonly earliest: number;
  readonly latest: number;
  readonly committed: number | undefined;
  /** The first record at or after the time asked for; undefined for other points. */
  readonly atTime: number | undefined;
}

/** Where one partition goes; undefined when there is nothing to shift from. */
export function resetTarget(partition: ResetPartition, to: ResetRule): number | undefined {
  const { earliest, latest, committed, atTime } = partition;
  const within = (offset: number): number => Math.min(Math.max(offset, earliest), latest);
  if (to === "earliest") return earliest;
  if (to === "latest") return latest;
  if ("offset" in to) return within(Number(to.offset));
  if ("timestampMs" in to) return within(atTime ?? latest);
  return committed === undefined ? undefined : within(committed + to.shift);
}
