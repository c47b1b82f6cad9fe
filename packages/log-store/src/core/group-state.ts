import { assert } from "@stratalog/base";
import type { GroupCheckpoint } from "./checkpoint-format.ts";
import type { Frame } from "./frame.ts";
import { FrameTail } from "./frame-tail.ts";
import type { StoredHardState } from "./hard-state.ts";
import { LogShape } from "./log-shape.ts";
import type { PendingChange } from "./pending-changes.ts";
import type { Evictable, TailBudget } from "./tail-budget.ts";
import type { LogReset } from "./wal-records.ts";

/** Where a write leaves its WAL records: the batch that is being gathered. */
export interface RecordSink {
  readonly batch: number;
  addEntry(group: number, frame: Frame): void;
  addHardState(group: number, hardState: StoredHardState): void;
  addTruncate(group: number, from: number, nextOffset: number): void;
  addReset(group: number, reset: LogReset): void;
}

/** What one group asks to be stored in one turn, without its number. */
export interface GroupChange {
  readonly reset?: LogReset;
  readonly truncateFrom?: number;
  readonly frames: readonly Frame[];
  readonly hardState?: StoredHardState;
}

/**
 * One group's log as memory knows it: bounds, terms, newest frames, and the changes that its
 * segments have yet to take. Pure; disk work is others'.
 *
 * Invariants: commit ≤ lastIndex; frames above `flushedIndex` are in the tail; a frame at or below
 * it is in a segment with the same content.
 */
export class GroupState implements Evictable {
  readonly group: number;
  readonly shape: LogShape;
  readonly tail: FrameTail;
  hardState: StoredHardState;
  logStartOffset: number;
  /** Frames at and below this index may be removed, segment by segment. */
  droppableIndex: number;
  /** Changes whenever frames that a reader may be looking at go away. */
  generation = 0;
  /** Highest index that a segment holds and that is still part of the log. */
  flushedIndex: number;
  /** What a reader found wrong with the segments; the group takes part in nothing from then on. */
  damage: string | undefined;
  #pending: PendingChange[] = [];
  #pendingBytes = 0;
  readonly #budget: TailBudget;

  constructor(checkpoint: GroupCheckpoint, budget: TailBudget) {
    this.group = checkpoint.descriptor.group;
    this.#budget = budget;
    this.shape = new LogShape(this.group, checkpoint);
    this.tail = new FrameTail(checkpoint.lastIndex + 1);
    this.hardState = checkpoint.hardState;
    this.logStartOffset = checkpoint.logStartOffset;
    this.droppableIndex = checkpoint.droppableIndex;
    this.flushedIndex = checkpoint.lastIndex;
  }

  /** Bytes of frames that wait for a segment. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }
  /** WAL batch of the oldest change that no segment has; undefined when there is none. */
  get oldestPendingBatch(): number | undefined {
    return this.#pending[0]?.batch;
  }

  /** Applies a write: visible at once, its records in the sink. */
  apply(change: GroupChange, sink: RecordSink): void {
    if (change.reset !== undefined) {
      sink.addReset(this.group, change.reset);
      this.reset(change.reset, sink.batch);
    }
    if (change.truncateFrom !== undefined && change.truncateFrom <= this.shape.lastIndex) {
      this.#applyTruncate(change.truncateFrom, change.frames[0], sink);
    }
    for (const frame of change.frames) sink.addEntry(this.group, frame);
    if (change.frames.length > 0) this.append(change.frames, sink.batch);
    if (change.hardState !== undefined) {
      const { term, vote, commit } = change.hardState;
      assert(term >= this.hardState.term, `term ${term} after ${this.hardState.term}`);
      // A hint beyond the log would look like a lost entry after a restart.
      const clamped = { term, vote, commit: Math.min(commit, this.shape.lastIndex) };
      this.hardState = clamped;
      sink.addHardState(this.group, clamped);
    }
  }

  #applyTruncate(from: number, next: Frame | undefined, sink: RecordSink): void {
    assert(from > this.hardState.commit, `truncate ${from}, commit ${this.hardState.commit}`);
    const nextOffset = this.#offsetAt(from, next);
    sink.addTruncate(this.group, from, nextOffset);
    this.truncate(from, nextOffset, sink.batch);
  }

  /**
   * Offset at which the frame `index` begins. Uncommitted frames are in memory as a rule; after a
   * restart they may not be, and then the frame that replaces the first removed one says it: the
   * cut on disk checks that later.
   */
  #offsetAt(index: number, replacement: Frame | undefined): number {
    const held = this.tail.at(index);
    if (held !== undefined) return held.baseOffset;
    const run = this.shape.runs.list.find((candidate) => candidate.startIndex === index);
    if (run !== undefined) return run.startOffset;
    assert(replacement?.index === index, `no offset known at index ${index}`);
    return replacement.baseOffset;
  }

  append(frames: readonly Frame[], batch: number): void {
    let bytes = 0;
    for (const frame of frames) {
      this.shape.append(frame);
      this.tail.append(frame);
      bytes += frame.byteLength;
    }
    this.#pending.push({ type: "append", batch, frames });
    this.#pendingBytes += bytes;
    this.#budget.added(bytes);
  }

  truncate(from: number, nextOffset: number, batch: number): void {
    this.generation++;
    this.shape.truncateSuffix(from, nextOffset);
    this.#budget.removed(this.tail.truncateSuffix(from));
    this.flushedIndex = Math.min(this.flushedIndex, from - 1);
    this.#pending.push({ type: "truncate", batch, from, nextOffset });
  }

  reset(reset: LogReset, batch: number): void {
    this.generation++;
    this.shape.reset(reset);
    this.#budget.removed(this.tail.reset(reset.index + 1));
    this.logStartOffset = Math.max(this.logStartOffset, reset.nextOffset);
    this.droppableIndex = Math.max(this.droppableIndex, reset.index);
    this.flushedIndex = reset.index;
    // The log begins at a committed point: nothing at or below it can be taken back.
    const { term, vote, commit } = this.hardState;
    this.hardState = { term, vote, commit: Math.max(commit, reset.index) };
    this.#pending.push({ type: "reset", batch, reset });
  }

  /** Frames below `first` are gone; they were in segments. */
  truncatePrefix(first: number, firstOffset: number): void {
    this.generation++;
    this.shape.truncatePrefix(first, firstOffset);
    this.#budget.removed(this.tail.truncatePrefix(first));
  }

  /** Hands over the changes whose WAL batches are durable, for the segments to take. */
  takePending(throughBatch: number): readonly PendingChange[] {
    const end = this.#pending.findIndex((change) => change.batch > throughBatch);
    return this.#pending.splice(0, end === -1 ? this.#pending.length : end);
  }

  /** The segments took changes: `lastIndex` is the highest index in them now. */
  flushed(lastIndex: number, frameBytes: number): void {
    let held = lastIndex;
    for (const change of this.#pending) {
      if (change.type === "truncate") held = Math.min(held, change.from - 1);
      if (change.type === "reset") held = change.reset.index;
    }
    this.flushedIndex = Math.min(held, this.shape.lastIndex);
    this.#pendingBytes -= frameBytes;
    this.#budget.unpinned(frameBytes);
    if (frameBytes > 0) this.#budget.becameEvictable(this, this.flushedIndex);
  }

  /** Changes could not be taken for lack of space; they wait at the front again. */
  giveBack(changes: readonly PendingChange[]): void {
    this.#pending.unshift(...changes);
  }

  evictThrough(index: number): number {
    return this.tail.truncatePrefix(Math.min(index, this.flushedIndex) + 1);
  }

  /** Everything leaves memory: the group is dropped. */
  release(): void {
    this.#budget.removed(this.tail.reset(this.shape.lastIndex + 1));
    this.#budget.unpinned(this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
  }
}
