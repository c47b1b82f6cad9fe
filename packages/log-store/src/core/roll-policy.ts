import { SEGMENT_BYTES_MAX } from "./segment-format.ts";

/** Limits of one segment; topic configuration may change them at any time. */
export interface SegmentLimits {
  /** Default 1 GiB. */
  readonly segmentBytes: number;
  /** Age by the broker's clock at which the segment is closed; undefined for never. */
  readonly segmentMs: number | undefined;
  /** Rows of its index at most: bounds the memory of an open segment. Default 262,144. */
  readonly indexRowsMax: number;
}

/** The segment that is being written. */
export interface OpenSegmentFacts {
  readonly sizeBytes: number;
  readonly baseIndex: number;
  readonly baseOffset: number;
  readonly createdMs: number;
  readonly indexRows: number;
  readonly isEmpty: boolean;
}

/** The frame that is to be written next. */
export interface NextFrameFacts {
  readonly index: number;
  readonly endOffset: number;
  readonly byteLength: number;
}

export type RollReason = "size" | "age" | "index-full" | "range";

const RELATIVE_MAX = 0xffff_ffff;

/**
 * Why the next frame must begin a new segment, or undefined when it fits. An empty segment takes
 * any frame.
 */
export function rollReason(
  segment: OpenSegmentFacts,
  next: NextFrameFacts,
  limits: SegmentLimits & { readonly nowMs: number },
): RollReason | undefined {
  if (segment.isEmpty) return undefined;
  const sizeLimit = Math.min(limits.segmentBytes, SEGMENT_BYTES_MAX);
  if (segment.sizeBytes + next.byteLength > sizeLimit) return "size";
  if (segment.indexRows >= limits.indexRowsMax) return "index-full";
  const isFar =
    next.index - segment.baseIndex > RELATIVE_MAX ||
    next.endOffset - segment.baseOffset > RELATIVE_MAX;
  if (isFar) return "range";
  const { segmentMs } = limits;
  const isOld = segmentMs !== undefined && limits.nowMs - segment.createdMs >= segmentMs;
  return isOld ? "age" : undefined;
}
