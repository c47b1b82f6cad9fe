/** Where a fetch wants to read, in relation to what the leader has. */
export interface FetchBounds {
  readonly logStartOffset: number;
  /** End of what is committed; nothing at or above it is ever shown. */
  readonly highWatermark: number;
  /** End of what the leader holds, committed or not. */
  readonly logEndOffset: number;
}

/**
 * readable: there is committed data. wait: at or above the high watermark, not past the end. The
 * end that is compared with is
 * the log's and not the high watermark: a new leader's watermark may lag behind what its
 * predecessor showed, and a consumer
 * must not be reset for that.
 */
export type FetchPosition = "readable" | "wait" | "below-start" | "past-end";

export function fetchPosition(offset: number, bounds: FetchBounds): FetchPosition {
  if (offset < bounds.logStartOffset) return "below-start";
  if (offset < bounds.highWatermark) return "readable";
  return offset <= bounds.logEndOffset ? "wait" : "past-end";
}
