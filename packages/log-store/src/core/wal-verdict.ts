import { WAL_KEY, type WalCheckpoint } from "./checkpoint-format.ts";
import { alignUp } from "./bytes.ts";
import { walFileName } from "./file-names.ts";
import { WAL_ALIGNMENT_BYTES } from "./wal-batch-header.ts";
import { batchBytes, type FoundBatch } from "./wal-scan.ts";

/** What the WAL's files and the marks beside them say about which batches count. */
export interface WalVerdict {
  /** The batches to replay, in order, without a gap. */
  readonly replay: readonly FoundBatch[];
  /**
   * Every batch up to this one was synced once: what is missing at or below it is damage, above it
   * a torn tail.
   */
  readonly durableThrough: number;
  /** Set when a batch that must be there is not, or cannot be read: no group may trust its log. */
  readonly damage: string | undefined;
  /** Above every batch number that was ever seen. */
  readonly nextBatch: number;
}

/** What is known of the WAL from outside its batches. */
export interface WalMarks {
  readonly checkpoint: WalCheckpoint;
  /** From the mark file; 0 for none. */
  readonly markedThrough: number;
  /** Highest batch that a group's checkpoint names. */
  readonly checkpointedThrough: number;
}

/**
 * Tells torn from corrupt. A batch is written only after the one before it was synced, so the
 * header of a later batch, a seal, a mark or a checkpoint proves that earlier ones were durable.
 * Whatever is broken or missing at or below that point was lost by the disk; above it, it never
 * counted and is cut.
 */
export function judgeWal(found: readonly FoundBatch[], marks: WalMarks): WalVerdict {
  const byNumber = new Map<number, FoundBatch>();
  let damage: string | undefined;
  let replayFrom = marks.checkpoint.replayFrom;
  let durableThrough = Math.max(marks.checkpoint.syncedThrough, marks.markedThrough);
  let highest = Math.max(durableThrough, marks.checkpointedThrough, replayFrom - 1);
  for (const batch of found) {
    const { header } = batch;
    const known = byNumber.get(header.batch);
    // A batch has a twin when a recovery had to make it durable; either may be the torn one.
    if (known === undefined || !isWhole(known)) byNumber.set(header.batch, batch);
    replayFrom = Math.max(replayFrom, header.replayFrom);
    const proven = header.isSeal ? header.batch : header.syncedThrough;
    durableThrough = Math.max(durableThrough, proven);
    highest = Math.max(highest, header.batch);
    if (provesNewerCheckpoint(batch, marks.checkpoint)) {
      damage ??=
        `kv/ has lost checkpoints: its key "${WAL_KEY}" is older than batch ${header.batch} ` +
        `at byte ${batch.position} of wal/${walFileName(header.life)} says`;
    }
  }
  const replay: FoundBatch[] = [];
  for (let number = replayFrom; ; number++) {
    const batch = byNumber.get(number);
    const mustHold = number <= durableThrough;
    if (batch !== undefined && (isWhole(batch) || (mustHold && batch.isTableIntact))) {
      replay.push(batch);
      continue;
    }
    if (mustHold) {
      const what =
        batch === undefined
          ? `is missing ${placeAfter(byNumber.get(number - 1))}`
          : `at byte ${batch.position} of wal/${walFileName(batch.header.life)} is damaged`;
      damage ??= `WAL batch ${number} ${what} but was synced (up to ${durableThrough})`;
    }
    break;
  }
  return { replay, durableThrough, damage, nextBatch: highest + 1 };
}

function isWhole(batch: FoundBatch): boolean {
  return batch.isTableIntact && batch.brokenEntries.length === 0;
}

/**
 * Whether a batch says that a newer checkpoint was durable when it was written. One that forgot
 * later checkpoints describes logs as they were: segments would be cut there.
 */
function provesNewerCheckpoint({ header }: FoundBatch, checkpoint: WalCheckpoint): boolean {
  // The seal of a clean stop makes itself the beginning, after a checkpoint of all before it.
  const isCompleteSeal = header.isSeal && header.replayFrom === header.batch;
  if (isCompleteSeal) return header.batch - 1 > checkpoint.syncedThrough;
  return header.replayFrom > checkpoint.replayFrom;
}

/** Where a batch has to be that should follow another. */
function placeAfter(before: FoundBatch | undefined): string {
  if (before === undefined) return "from byte 0 of its file in wal/";
  const { header, position } = before;
  const end = position + alignUp(batchBytes(header), WAL_ALIGNMENT_BYTES);
  return `from byte ${end} of wal/${walFileName(header.life)}, or byte 0 of the next file,`;
}
