import { assert } from "@stratalog/base";
import { baseTimestampOf, decodeBatch, maxTimestampOf } from "@stratalog/record-batch";
import type { SegmentFacts } from "../core/retention.ts";
import type { Frame } from "../ports/frame.ts";
import type { LogRead, ReadRange, ReplicaLog, TermRun } from "../ports/replica-log.ts";

/**
 * A replica's log in memory, with the storing side that a fake Raft group needs. Reads answer in
 * the same turn or later.
 */
export class MemoryLog implements ReplicaLog {
  readonly frames: Frame[] = [];
  readonly hardState = { commit: 0 };
  logStartOffset = 0;
  /** "later" makes reads asynchronous, as reads from a disk are. */
  readMode: "now" | "later" = "now";
  /** What `segments` answers. */
  files: readonly SegmentFacts[] = [];
  firstIndex = 1;

  get lastIndex(): number {
    return this.firstIndex - 1 + this.frames.length;
  }

  get nextOffset(): number {
    const last = this.frames.at(-1);
    return last === undefined ? 0 : last.baseOffset + last.span;
  }

  get sizeBytes(): number {
    return this.frames.reduce((sum, frame) => sum + frame.byteLength, 0);
  }

  append(fields: Omit<Frame, "index" | "baseOffset" | "byteLength">): Frame {
    const frame: Frame = {
      ...fields,
      index: this.lastIndex + 1,
      baseOffset: this.nextOffset,
      byteLength: 40 + fields.payload.byteLength,
    };
    this.frames.push(frame);
    return frame;
  }

  truncateFrom(index: number): void {
    assert(index > this.hardState.commit, "committed frames are never truncated");
    this.frames.splice(index - 1);
  }

  setLogStart(offset: number): void {
    this.logStartOffset = Math.max(this.logStartOffset, offset);
  }

  readBatches(range: ReadRange): LogRead | Promise<LogRead> {
    const read = this.#read(range);
    return this.readMode === "now" ? read : Promise.resolve(read);
  }

  async findByTimestamp(
    timestampMs: number,
    endOffset: number,
  ): Promise<{ readonly offset: number; readonly timestampMs: number } | undefined> {
    for (const frame of this.frames) {
      if (frame.kind !== "data" || frame.baseOffset + frame.span > endOffset) continue;
      assert(baseTimestampOf(frame.payload, 0) <= maxTimestampOf(frame.payload, 0), "timestamps");
      for (const record of decodeBatch(frame.payload, 0)) {
        if (record.timestampMs < timestampMs || record.offset < this.logStartOffset) continue;
        return { offset: record.offset, timestampMs: record.timestampMs };
      }
    }
    return undefined;
  }

  segments(): readonly SegmentFacts[] {
    return this.files;
  }

  termRuns(): readonly TermRun[] {
    const runs: TermRun[] = [];
    for (const { term, index, baseOffset } of this.frames) {
      if (runs.at(-1)?.term === term) continue;
      runs.push({ term, startIndex: index, startOffset: baseOffset });
    }
    return runs;
  }

  #read({ fromOffset, endOffset, maxBytes }: ReadRange): LogRead {
    if (fromOffset < this.logStartOffset) return { kind: "below-log-start" };
    const batches: Uint8Array[] = [];
    let bytes = 0;
    let nextOffset = fromOffset;
    for (const frame of this.frames) {
      if (frame.span === 0 || frame.baseOffset + frame.span <= fromOffset) continue;
      if (frame.baseOffset + frame.span > endOffset) break;
      if (batches.length > 0 && bytes + frame.payload.byteLength > maxBytes) break;
      batches.push(frame.payload);
      bytes += frame.payload.byteLength;
      nextOffset = frame.baseOffset + frame.span;
    }
    return { kind: "batches", batches, bytes, nextOffset };
  }
}
