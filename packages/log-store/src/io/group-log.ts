import { assert } from "@stratalog/base";
import type { SegmentFacts } from "../core/checkpoint-format.ts";
import type { Frame } from "../core/frame.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import type { GroupState } from "../core/group-state.ts";
import type { StoredHardState } from "../core/hard-state.ts";
import type { TermRun } from "../core/term-runs.ts";
import { GroupReader, type ReadRequest, type ReadResult } from "./group-reader.ts";
import type { GroupWriter } from "./group-writer.ts";
import type { Segment } from "./segment.ts";
import type { SegmentContext } from "./segment-context.ts";
import type { SegmentSet } from "./segment-set.ts";

/**
 * One group's log, as raft-host (`LogView`), partitions and state machines see it. Everything but
 * the reads is synchronous. Changes go through `LogStore.write`.
 */
export class GroupLog {
  readonly descriptor: GroupDescriptor;
  readonly #state: GroupState;
  readonly #segments: SegmentSet;
  readonly #writer: GroupWriter;
  readonly #reader: GroupReader;
  readonly #context: SegmentContext;
  readonly #onDamage: (reason: string) => void;

  constructor(parts: {
    readonly descriptor: GroupDescriptor;
    readonly state: GroupState;
    readonly segments: SegmentSet;
    readonly writer: GroupWriter;
    readonly context: SegmentContext;
    readonly onDamage: (reason: string) => void;
  }) {
    this.descriptor = parts.descriptor;
    this.#state = parts.state;
    this.#segments = parts.segments;
    this.#writer = parts.writer;
    this.#context = parts.context;
    this.#onDamage = parts.onDamage;
    this.#reader = new GroupReader(parts);
  }

  /**
   * Whoever uses the log found that it is not what it has to be: from now on, also after a restart,
   * it counts as damaged, as if a reader had found that.
   */
  markDamaged(reason: string): void {
    this.#onDamage(reason);
  }

  get hardState(): StoredHardState {
    return this.#state.hardState;
  }
  /** Index of the first frame that is still there; lastIndex + 1 for an empty log. */
  get firstIndex(): number {
    return this.#state.shape.firstIndex;
  }
  get lastIndex(): number {
    return this.#state.shape.lastIndex;
  }
  /** Offset that the next record would take at the end of the log. */
  get nextOffset(): number {
    return this.#state.shape.nextOffset;
  }
  /** Indexes of the membership changes in the log, ascending. */
  get configIndexes(): readonly number[] {
    return this.#state.shape.configIndexes;
  }

  /**
   * Term at an index in [firstIndex − 1, lastIndex], from the table of term runs; never touches the
   * disk.
   */
  term(index: number): number | "compacted" | "unavailable" {
    return this.#state.shape.runs.term(index);
  }

  /** The leader-epoch table. */
  termRuns(): readonly TermRun[] {
    return this.#state.shape.runs.list;
  }

  /**
   * Frames [from, to), at least one and then at most `maxBytes`, when they are in memory.
   * "pending": they must be fetched. Nothing for a `from` above the last index. The answer may stop
   * short where memory ends.
   */
  frames(from: number, to: number, maxBytes: number): readonly Frame[] | "compacted" | "pending" {
    return this.#reader.frames(from, to, maxBytes);
  }

  /** The same from disk; may stop short at a segment's end. Rejects with STORAGE_DAMAGED. */
  fetchFrames(from: number, to: number, maxBytes: number): Promise<readonly Frame[] | "compacted"> {
    return this.#reader.fetchFrames(from, to, maxBytes);
  }

  /**
   * Whole record batches from the one that holds `fromOffset` on; answers at once when they are in
   * memory. No batches when there is none below `endOffset`.
   */
  readBatches(request: ReadRequest): ReadResult | Promise<ReadResult> {
    return this.#reader.readBatches(request);
  }

  /**
   * The first record whose time is at or after `timestampMs` and whose offset is below `endOffset`.
   */
  findByTimestamp(
    timestampMs: number,
    endOffset: number,
  ): Promise<{ readonly offset: number; readonly timestampMs: number } | undefined> {
    return this.#reader.findByTimestamp(timestampMs, endOffset);
  }

  /** First offset that readers may have; never falls. */
  get logStartOffset(): number {
    return this.#state.logStartOffset;
  }

  /**
   * Raises the log start: a replicated command did. Segments wholly below it are removed later,
   * once a checkpoint without them is durable.
   */
  setLogStart(offset: number): void {
    const { nextOffset } = this.#state.shape;
    assert(offset <= nextOffset, `log start ${offset} above the end ${nextOffset}`);
    if (offset <= this.#state.logStartOffset) return;
    this.#state.logStartOffset = offset;
    this.#writer.factsChanged();
    this.removeDroppable();
  }

  /** Frames at and below an index may go: a snapshot has what they said. Whole segments only. */
  dropPrefix(index: number): void {
    if (index <= this.#state.droppableIndex) return;
    this.#state.droppableIndex = Math.min(index, this.lastIndex);
    this.#writer.factsChanged();
    this.removeDroppable();
  }

  /** Takes the segments out of the log that nobody needs any more. The newest one always stays. */
  removeDroppable(): void {
    const { logStartOffset, droppableIndex, flushedIndex, hardState } = this.#state;
    let first: SegmentFacts | undefined;
    const segments = this.#segments.list;
    for (let at = 0; at + 1 < segments.length; at++) {
      const { lastIndex, baseOffset, nextOffset } = (segments[at] as Segment).facts;
      // Only what is committed and on disk may go, whatever the log start says.
      const isSafe = lastIndex <= Math.min(flushedIndex, hardState.commit);
      // A segment without records is below no offset: the commands in it are a state machine's to
      // give up.
      const isBelowStart = nextOffset <= logStartOffset && baseOffset < logStartOffset;
      const isUnwanted = isBelowStart || lastIndex <= droppableIndex;
      if (!isSafe || !isUnwanted) break;
      first = (segments[at + 1] as Segment).facts;
    }
    // Segments of before a reset may still be there: they end below the log, and go with the reset.
    if (first === undefined || first.baseIndex <= this.firstIndex) return;
    this.#writer.detachPrefix(first.baseIndex, first.baseOffset);
  }

  /** Facts about each segment, oldest first: what retention by time and size decides from. */
  segments(): readonly SegmentFacts[] {
    return this.#segments.list.map((segment) => segment.facts);
  }

  /** Bytes of all segments and of the frames that no segment has yet. */
  get sizeBytes(): number {
    let bytes = this.#state.pendingBytes;
    for (const segment of this.#segments.list) bytes += segment.facts.sizeBytes;
    return bytes;
  }

  /** Size at which the newest segment is closed; a topic's configuration sets it. */
  get segmentBytes(): number {
    return this.#context.limits.segmentBytes;
  }
  set segmentBytes(value: number) {
    this.#context.limits = { ...this.#context.limits, segmentBytes: value };
  }

  /** Age at which the newest segment is closed by the next append; undefined for never. */
  get segmentMs(): number | undefined {
    return this.#context.limits.segmentMs;
  }
  set segmentMs(value: number | undefined) {
    this.#context.limits = { ...this.#context.limits, segmentMs: value };
  }
}
