/**
 * One segment of a log, oldest first; the last one is being written. Records `[baseOffset,
 * nextOffset)`.
 */
export interface SegmentFacts {
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly sizeBytes: number;
  /** Newest record time in it. */
  readonly maxTimestampMs: number;
  /** The broker's time when it was begun. */
  readonly createdMs: number;
}

export interface RetentionPolicy {
  /** −1 keeps records for ever. */
  readonly retentionMs: number;
  /** −1 sets no limit. */
  readonly retentionBytes: number;
}

/**
 * The offset below which records may go, or undefined when all stay. Whole segments only, oldest
 * first, never the one that is being written and nothing above the high watermark. A segment's age
 * counts from the later of its newest record time and the moment at which the next segment began,
 * after which nothing was written to it: so imported history is kept for the whole time after its
 * import, whatever the time in its records. For size, as much as possible goes while at least
 * `retentionBytes` stay.
 */
export function retentionStart(
  segments: readonly SegmentFacts[],
  policy: RetentionPolicy,
  now: { readonly wallMs: number; readonly highWatermark: number },
): number | undefined {
  let sizeBytes = segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  let start: number | undefined;
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1];
    if (next === undefined) break;
    const bornMs = Math.max(segment.maxTimestampMs, segment.createdMs, next.createdMs);
    const isOld = policy.retentionMs >= 0 && now.wallMs - bornMs > policy.retentionMs;
    sizeBytes -= segment.sizeBytes;
    const isSurplus = policy.retentionBytes >= 0 && sizeBytes >= policy.retentionBytes;
    if (!(isOld || isSurplus) || segment.nextOffset > now.highWatermark) break;
    start = segment.nextOffset;
  }
  return start;
}
