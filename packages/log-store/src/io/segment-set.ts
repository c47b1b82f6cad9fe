import { assert } from "@stratalog/base";
import type { SegmentFacts } from "../core/checkpoint-format.ts";
import { parseSegmentFileName } from "../core/file-names.ts";
import type { Frame } from "../core/frame.ts";
import type { NetChange } from "../core/pending-changes.ts";
import { rollReason } from "../core/roll-policy.ts";
import { removeIfThere, Segment } from "./segment.ts";
import type { SegmentContext } from "./segment-context.ts";

/** Largest number of bytes handed to one segment write. */
const WRITE_BYTES_MAX = 4 * 1024 * 1024;

/**
 * The segments of one group, ascending and without a gap. All methods that change files are called
 * one at a time.
 */
export class SegmentSet {
  readonly #context: SegmentContext;
  #segments: Segment[];
  /**
   * Segments whose facts the checkpoint store does not have yet, and base indexes of facts that
   * must go from it.
   */
  readonly #changed = new Set<Segment>();
  readonly #removed = new Set<number>();
  readonly #unsynced = new Set<Segment>();
  #isDirectoryDirty = false;

  constructor(context: SegmentContext, facts: readonly SegmentFacts[]) {
    this.#context = context;
    this.#segments = facts.map((each) => new Segment(context, each));
  }

  get list(): readonly Segment[] {
    return this.#segments;
  }
  /** Highest index in any segment; undefined when there is none. */
  get lastIndex(): number | undefined {
    return this.#segments.at(-1)?.facts.lastIndex;
  }

  /** The segment that holds an index. */
  segmentOfIndex(index: number): Segment | undefined {
    return this.#segments.findLast((segment) => segment.facts.baseIndex <= index);
  }

  /** The first segment that holds records at or after an offset. */
  segmentOfOffset(offset: number): Segment | undefined {
    return this.#segments.find((segment) => segment.facts.nextOffset > offset);
  }

  /** Takes changes of the log whose WAL records are durable. */
  async take(change: NetChange): Promise<void> {
    if (change.reset !== undefined) await this.removeFrom(0);
    if (change.truncate !== undefined) {
      const { from, nextOffset } = change.truncate;
      const cutOffset = await this.truncateSuffix(from);
      assert(
        cutOffset === undefined || cutOffset === nextOffset,
        `${this.#context.directory}: ${from} begins at offset ${cutOffset}, not ${nextOffset}`,
      );
    }
    await this.#append(change.frames);
  }

  async #append(frames: readonly Frame[]): Promise<void> {
    // An append that a full disk stopped half-way is tried again: what is there already is skipped.
    const lastIndex = this.lastIndex ?? -1;
    let written = frames.findIndex((frame) => frame.index > lastIndex);
    if (written === -1) return;
    while (written < frames.length) {
      const segment = await this.#openSegmentFor(frames[written] as Frame);
      const end = this.#fittingEnd(segment, frames, written);
      await segment.append(frames.slice(written, end));
      this.#changed.add(segment);
      this.#unsynced.add(segment);
      written = end;
    }
  }

  /** The segment that takes a frame: the newest one, or a new one when that is sealed or full. */
  async #openSegmentFor(frame: Frame): Promise<Segment> {
    const newest = this.#segments.at(-1);
    if (newest !== undefined && !newest.facts.isSealed) {
      await newest.index();
      if (this.#rollReason(newest, frame, 0) === undefined) return newest;
      await newest.seal();
      this.#changed.add(newest);
    }
    const base = { index: frame.index, offset: frame.baseOffset };
    const created = await Segment.create(this.#context, base);
    this.#isDirectoryDirty = true;
    this.#unsynced.add(created);
    this.#segments.push(created);
    return created;
  }

  #rollReason(segment: Segment, frame: Frame, queuedBytes: number) {
    const { facts } = segment;
    const endOffset = frame.baseOffset + frame.span;
    return rollReason(
      {
        ...facts,
        sizeBytes: facts.sizeBytes + queuedBytes,
        indexRows: segment.indexRows,
        isEmpty: segment.isEmpty && queuedBytes === 0,
      },
      { index: frame.index, endOffset, byteLength: frame.byteLength },
      { ...this.#context.limits, nowMs: this.#context.clock.wallMs() },
    );
  }

  /** How many frames from `start` on the segment takes in one write. */
  #fittingEnd(segment: Segment, frames: readonly Frame[], start: number): number {
    const fittingAll = this.#endWhenAllFit(segment, frames, start);
    if (fittingAll !== undefined) return fittingAll;
    let bytes = 0;
    let end = start;
    while (end < frames.length && bytes < WRITE_BYTES_MAX) {
      const frame = frames[end] as Frame;
      if (this.#rollReason(segment, frame, bytes) !== undefined) break;
      bytes += frame.byteLength;
      end++;
    }
    return Math.max(end, start + 1);
  }

  /** The common case without a look at each frame: the last one fits behind all the others. */
  #endWhenAllFit(segment: Segment, frames: readonly Frame[], start: number): number | undefined {
    let bytes = 0;
    for (let at = start; at < frames.length; at++) bytes += (frames[at] as Frame).byteLength;
    const last = frames.at(-1) as Frame;
    const isOneWrite = bytes <= WRITE_BYTES_MAX;
    const queuedBytes = bytes - last.byteLength;
    const hasRows = segment.indexRows + frames.length < this.#context.limits.indexRowsMax;
    const fits =
      isOneWrite && hasRows && this.#rollReason(segment, last, queuedBytes) === undefined;
    return fits ? frames.length : undefined;
  }

  /**
   * Removes the frames at `from` and above; gives the offset at which `from` began when a file had
   * to be cut.
   */
  async truncateSuffix(from: number): Promise<number | undefined> {
    await this.removeFrom(from);
    const last = this.#segments.at(-1);
    if (last === undefined || last.facts.lastIndex < from) return undefined;
    return this.cut(last, from, last.facts.sizeBytes);
  }

  /** Cuts the newest segment, of whose file `fileBytes` bytes exist. */
  async cut(segment: Segment, from: number, fileBytes: number): Promise<number> {
    const nextOffset = await segment.cut(from, fileBytes);
    this.#changed.add(segment);
    this.#unsynced.add(segment);
    return nextOffset;
  }

  /** Cuts what lies above the newest segment's trusted bytes. */
  async cutToTrusted(segment: Segment): Promise<void> {
    await segment.cutToTrusted();
    this.#changed.add(segment);
    this.#unsynced.add(segment);
  }

  /** Removes every segment that begins at `from` or above, newest first. */
  async removeFrom(from: number): Promise<void> {
    for (let last = this.#segments.at(-1); last !== undefined; last = this.#segments.at(-1)) {
      if (last.facts.baseIndex < from) return;
      this.#segments.pop();
      await this.#remove(last);
    }
  }

  /**
   * Takes the segments below `first` out of the set; their files are the caller's to remove, once
   * the checkpoint says that they are not needed.
   */
  detachPrefix(first: number): readonly Segment[] {
    // By its base: a segment that was made a moment ago has no frame yet.
    const kept = this.#segments.findIndex((segment) => segment.facts.baseIndex >= first);
    const detached = this.#segments.splice(0, kept === -1 ? this.#segments.length : kept);
    for (const segment of detached) {
      this.#forget(segment);
      this.#removed.add(segment.facts.baseIndex);
    }
    return detached;
  }

  async #remove(segment: Segment): Promise<void> {
    this.#forget(segment);
    this.#removed.add(segment.facts.baseIndex);
    this.#isDirectoryDirty = true;
    await segment.remove();
  }

  #forget(segment: Segment): void {
    this.#changed.delete(segment);
    this.#unsynced.delete(segment);
  }

  /**
   * Removes files of segments that no checkpoint knows: whatever they hold is in the WAL too, or
   * never counted.
   */
  async removeUnknownFiles(): Promise<void> {
    const { fileSystem, directory } = this.#context;
    const known = new Set(this.#segments.map((segment) => segment.facts.baseIndex));
    for (const name of await fileSystem.list(directory)) {
      const parsed = parseSegmentFileName(name);
      if (parsed === undefined || known.has(parsed.baseIndex)) continue;
      await removeIfThere(fileSystem, `${directory}/${name}`);
      this.#isDirectoryDirty = true;
    }
  }

  /** Makes all files and their names durable. */
  async sync(): Promise<void> {
    const unsynced = [...this.#unsynced];
    this.#unsynced.clear();
    for (const segment of unsynced) {
      await segment.sync();
      await segment.persistIndex();
    }
    if (!this.#isDirectoryDirty) return;
    this.#isDirectoryDirty = false;
    await this.#context.fileSystem.syncDirectory(this.#context.directory);
  }

  /**
   * What changed since the last call, for the checkpoint store: facts to put and base indexes to
   * delete.
   */
  takeChanges(): { readonly put: readonly SegmentFacts[]; readonly removed: readonly number[] } {
    const put = [...this.#changed].map((segment) => segment.facts);
    const removed = [...this.#removed];
    this.#changed.clear();
    this.#removed.clear();
    return { put, removed };
  }
}
