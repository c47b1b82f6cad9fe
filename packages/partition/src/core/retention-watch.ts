import { type RetentionPolicy, retentionStart, type SegmentFacts } from "./retention.ts";

/** The moment of a look at the segments. */
export interface RetentionNow {
  readonly wallMs: number;
  readonly monotonicMs: number;
  readonly highWatermark: number;
}

/** What one look came to. */
export interface RetentionFinding {
  /** The offset below which records go; undefined: all stay. */
  readonly start: number | undefined;
  /**
   * How far the wall clock has moved of its own accord since records were first found to be old;
   * undefined while it is trusted.
   */
  readonly clockMovedMs: number | undefined;
}

interface Suspicion {
  readonly start: number;
  readonly sinceMs: number;
  /** Wall clock less monotonic clock. */
  readonly skewMs: number;
}

/** Longest time between the two looks. */
const CONFIRM_MS_MAX = 5 * 60_000;
/** Share of the retention time between the two looks. */
const CONFIRM_SHARE = 0.01;
/** The wall clock is corrected a little all the time. */
const SKEW_MS_MAX = 1_000;

/**
 * Decides what goes, and lets nothing go for its age at the first look: a wall clock that jumps
 * forward makes everything old at once. Records go when a second look, up to five minutes later by
 * the monotonic clock, finds them old still and the wall clock has not moved of its own accord
 * meanwhile. For size nothing waits.
 */
export class RetentionWatch {
  #suspicion: Suspicion | undefined;

  /** One look; to be made again every second or so. */
  look(
    segments: readonly SegmentFacts[],
    policy: RetentionPolicy,
    now: RetentionNow,
  ): RetentionFinding {
    const bySize = retentionStart(segments, { ...policy, retentionMs: -1 }, now);
    const old = retentionStart(segments, policy, now);
    const skewMs = now.wallMs - now.monotonicMs;
    if (old === undefined || old === bySize) {
      this.#suspicion = undefined;
      return { start: bySize, clockMovedMs: undefined };
    }
    const first = this.#suspicion;
    if (first === undefined) {
      this.#suspicion = { start: old, sinceMs: now.monotonicMs, skewMs };
      return { start: bySize, clockMovedMs: undefined };
    }
    const clockMovedMs = skewMs - first.skewMs;
    if (Math.abs(clockMovedMs) > SKEW_MS_MAX) {
      this.#suspicion = { start: old, sinceMs: now.monotonicMs, skewMs };
      return { start: bySize, clockMovedMs };
    }
    const confirmMs = Math.min(CONFIRM_MS_MAX, policy.retentionMs * CONFIRM_SHARE);
    if (now.monotonicMs - first.sinceMs < confirmMs) {
      return { start: bySize, clockMovedMs: undefined };
    }
    this.#suspicion = undefined;
    // What has become old since the first look has a first look of its own to come.
    const confirmed = Math.min(first.start, old);
    return { start: Math.max(confirmed, bySize ?? 0), clockMovedMs: undefined };
  }
}
