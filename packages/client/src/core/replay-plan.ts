/** What a replay reads of one partition: offsets in [start, end), fixed when it begins. */
export interface ReplayRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/** One partition: what is wanted of it, and what it has, offsets in [earliest, latest). */
export interface ReplayPartition {
  readonly topic: string;
  readonly partition: number;
  readonly wantedStart: number;
  readonly wantedEnd: number;
  readonly earliest: number;
  readonly latest: number;
}

/** The ranges to read, or the first partition that cannot be read from where it is wanted. */
export type ReplayPlan =
  | { readonly ok: true; readonly ranges: readonly ReplayRange[] }
  | { readonly ok: false; readonly outOfRange: ReplayPartition };

/**
 * The ranges that have anything to read. A start outside the partition is refused: what retention
 * deleted and what is not written yet cannot be replayed, and a replay does not pretend. An end
 * beyond the committed end ends there: the replay reads what was there when it began, and stops.
 */
export function planReplay(partitions: readonly ReplayPartition[]): ReplayPlan {
  const outOfRange = partitions.find(
    ({ wantedStart, earliest, latest }) => wantedStart < earliest || wantedStart > latest,
  );
  if (outOfRange !== undefined) return { ok: false, outOfRange };
  const ranges = partitions
    .map(({ topic, partition, wantedStart, wantedEnd, latest }) => ({
      topic,
      partition,
      start: wantedStart,
      end: Math.min(wantedEnd, latest),
    }))
    .filter(({ start, end }) => start < end);
  return { ok: true, ranges };
}
