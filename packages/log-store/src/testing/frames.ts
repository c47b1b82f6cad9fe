import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";
import type { FrameKind, LogFrame } from "../core/frame.ts";
import { createFrame } from "../core/frame-codec.ts";

/** Where a frame goes. */
export interface FramePlace {
  readonly term: number;
  readonly index: number;
  readonly baseOffset: number;
}

/** A data frame with one record per time; every record has the same value. */
export function dataFrame(
  place: FramePlace,
  value: Uint8Array,
  timestampsMs: readonly number[],
): LogFrame {
  const builder = new BatchBuilder();
  for (const timestampMs of timestampsMs) builder.append({ key: null, value, timestampMs });
  const payload = builder.build();
  patchBaseOffset(payload, 0, place.baseOffset);
  patchLeaderEpoch(payload, 0, place.term);
  return createFrame({ kind: "data", ...place, span: timestampsMs.length, payload });
}

/** A frame without offsets. */
export function plainFrame(
  place: FramePlace,
  kind: Exclude<FrameKind, "data">,
  payload: Uint8Array = new Uint8Array(0),
): LogFrame {
  return createFrame({ kind, ...place, span: 0, payload });
}

/** Where the next frame of a log goes. */
export function nextPlace(
  log: { readonly lastIndex: number; readonly nextOffset: number },
  term: number,
): FramePlace {
  return { term, index: log.lastIndex + 1, baseOffset: log.nextOffset };
}
