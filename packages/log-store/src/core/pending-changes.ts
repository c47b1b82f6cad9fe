import type { Frame } from "./frame.ts";
import type { LogReset } from "./wal-records.ts";

/**
 * A change of a group's log that its segments have not taken yet; `batch` is the WAL batch that
 * makes it durable.
 */
export type PendingChange =
  | { readonly type: "append"; readonly batch: number; readonly frames: readonly Frame[] }
  | {
      readonly type: "truncate";
      readonly batch: number;
      readonly from: number;
      readonly nextOffset: number;
    }
  | { readonly type: "reset"; readonly batch: number; readonly reset: LogReset };

/** What a run of changes does to the segments in the end, in the order reset, truncate, append. */
export interface NetChange {
  readonly reset: LogReset | undefined;
  readonly truncate: { readonly from: number; readonly nextOffset: number } | undefined;
  readonly frames: readonly Frame[];
  /** Bytes of all frames among the changes, also of those that a later change took back. */
  readonly frameBytes: number;
}

/**
 * Folds changes into one, so that frames which were truncated before they were written are never
 * written.
 */
export function netChange(changes: readonly PendingChange[]): NetChange {
  let reset: LogReset | undefined;
  let truncate: { from: number; nextOffset: number } | undefined;
  let frames: Frame[] = [];
  let frameBytes = 0;
  for (const change of changes) {
    switch (change.type) {
      case "append":
        for (const frame of change.frames) {
          frameBytes += frame.byteLength;
          frames.push(frame);
        }
        break;
      case "truncate": {
        const first = frames[0]?.index ?? Number.POSITIVE_INFINITY;
        if (change.from <= first) {
          frames = [];
          // Nothing below the reset's end is left in the segments, so only a cut above it could
          // matter: there is none.
          if (reset === undefined && change.from <= (truncate?.from ?? Number.POSITIVE_INFINITY)) {
            truncate = { from: change.from, nextOffset: change.nextOffset };
          }
        } else {
          frames.length = Math.min(frames.length, change.from - first);
        }
        break;
      }
      case "reset":
        reset = change.reset;
        truncate = undefined;
        frames = [];
        break;
    }
  }
  return { reset, truncate, frames, frameBytes };
}
