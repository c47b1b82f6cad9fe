/** What a replay reads of one partition: offsets in [start, end), fixed when it begins. */
export interface ReplayRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  readonly end: number;
}

/**
 * The ranges that have anything to read. A start below the log's first record begins there: what
 * retention deleted cannot be replayed. An end beyond the committed end ends there: the replay
 * reads what was there when it began, and stops.
 */
export function planReplay(
  partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly wantedStart: number;
    readonly wantedEnd: number;
    readonly earliest: number;
    readonly latest: number;
  }[],
): readonly ReplayRange[] {
  return partitions
    .map(({ topic, partition, wantedStart, wantedEnd, earliest, latest }) => ({
      topic,
      partition,
      start: Math.max(wantedStart, earliest),
      end: Math.min(wantedEnd, latest),
    }))
    .filter(({ start, end }) => start < end);
}
