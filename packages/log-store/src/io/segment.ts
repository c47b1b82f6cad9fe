import { assert, CodedError } from "@stratalog/base";
import type { SegmentFacts } from "../core/checkpoint-format.ts";
import { segmentFileName } from "../core/file-names.ts";
import type { Frame } from "../core/frame.ts";
import { frameHeaderBytes } from "../core/frame-codec.ts";
import { mergeSmallParts } from "../core/bytes.ts";
import { decodeIndexFile, encodeIndexBlock } from "../core/index-file.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  SEGMENT_HEADER_BYTES,
} from "../core/segment-format.ts";
import { type IndexEntry, SparseIndex } from "../core/sparse-index.ts";
import { FileSystemError } from "../ports/file-system.ts";
import type { SegmentContext } from "./segment-context.ts";
import { frameTimestamp, type ScanRange, SegmentScanner } from "./segment-scan.ts";

const SMALL_PART_BYTES = 2048;
const SCAN_BLOCK_BYTES = 256 * 1024;

/** Where a search of a segment begins. */
export type SearchKey =
  | { readonly by: "index"; readonly index: number }
  | { readonly by: "offset"; readonly offset: number }
  | { readonly by: "timestamp"; readonly timestampMs: number };

/**
 * One segment file with its index. It only grows at its end while it is the newest; it may be cut
 * once and is never written after that, so a position in an index stays right for as long as it is
 * inside the file.
 *
 * Invariants: frames [baseIndex, lastIndex] lie in [SEGMENT_HEADER_BYTES, sizeBytes); positions
 * above that are not ours.
 */
export class Segment {
  readonly #context: SegmentContext;
  readonly #scanner: SegmentScanner;
  readonly path: string;
  readonly indexPath: string;
  #facts: SegmentFacts;
  #index: SparseIndex | undefined;
  #loading: Promise<SparseIndex> | undefined;
  #nextRowPosition = 0;
  /**
   * Rows that the index file has already, and where its next block goes; undefined before it was
   * looked at.
   */
  #persisted: { readonly rows: number; readonly fileBytes: number } | undefined;

  constructor(context: SegmentContext, facts: SegmentFacts) {
    this.#context = context;
    this.#scanner = new SegmentScanner(context);
    this.#facts = facts;
    this.path = `${context.directory}/${segmentFileName(facts.baseIndex, "seg")}`;
    this.indexPath = `${context.directory}/${segmentFileName(facts.baseIndex, "idx")}`;
  }

  /** Makes the file with its header. The directory is the caller's to sync. */
  static async create(
    context: SegmentContext,
    base: { readonly index: number; readonly offset: number },
  ): Promise<Segment> {
    const facts: SegmentFacts = {
      baseIndex: base.index,
      baseOffset: base.offset,
      lastIndex: base.index - 1,
      nextOffset: base.offset,
      sizeBytes: SEGMENT_HEADER_BYTES,
      maxTimestampMs: -1,
      createdMs: context.clock.wallMs(),
      identity: context.nextIdentity(),
      isSealed: false,
    };
    const segment = new Segment(context, facts);
    segment.#index = new SparseIndex(base.index, base.offset);
    const header = encodeSegmentHeader({ ...context, ...facts });
    await context.handles.create(segment.path);
    try {
      await context.handles.write(segment.path, (handle) => handle.write([header], 0));
    } catch (error) {
      // A full disk: the next try has to find no file of this name.
      await segment.remove();
      throw error;
    }
    return segment;
  }

  get facts(): SegmentFacts {
    return this.#facts;
  }
  get isEmpty(): boolean {
    return this.#facts.lastIndex < this.#facts.baseIndex;
  }
  get indexRows(): number {
    return this.#index?.count ?? 0;
  }

  /**
   * Checks that the file is the one that the facts are about; gives its real size. Rejects with
   * STORAGE_DAMAGED.
   */
  async verify(): Promise<number> {
    try {
      return await this.#context.handles.read(this.path, async (handle) => {
        const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
        const count = await handle.read(bytes, 0);
        const header = count === bytes.length ? decodeSegmentHeader(bytes) : undefined;
        const isOurs =
          header !== undefined &&
          header.group === this.#context.group &&
          header.baseIndex === this.#facts.baseIndex &&
          header.identity === this.#facts.identity;
        if (!isOurs) throw this.#damaged("its header does not hold or is another segment's");
        return handle.sizeBytes();
      });
    } catch (error) {
      if (error instanceof FileSystemError && error.code === "ENOENT") {
        throw this.#damaged("the file is missing");
      }
      throw error;
    }
  }

  /** Appends frames at the end, in one vectored write. */
  async append(frames: readonly Frame[]): Promise<void> {
    assert(!this.#facts.isSealed, `append to the sealed segment ${this.path}`);
    const index = await this.index();
    const { group } = this.#context;
    const parts: Uint8Array[] = [];
    for (const frame of frames) parts.push(frameHeaderBytes(group, frame), frame.payload);
    const start = this.#facts.sizeBytes;
    const merged = mergeSmallParts(parts, SMALL_PART_BYTES);
    await this.#context.handles.write(this.path, (handle) => handle.write(merged, start));
    this.#takeNote(index, frames);
  }

  /** Updates facts and index for frames that lie at the end of the file now. */
  #takeNote(index: SparseIndex, frames: readonly Frame[]): void {
    let { lastIndex, nextOffset, sizeBytes, maxTimestampMs } = this.#facts;
    for (const frame of frames) {
      if (sizeBytes >= this.#nextRowPosition) {
        const row = { index: frame.index, baseOffset: frame.baseOffset, position: sizeBytes };
        index.add({ ...row, maxTimestampBefore: maxTimestampMs });
        this.#nextRowPosition = sizeBytes + this.#context.indexIntervalBytes;
      }
      lastIndex = frame.index;
      nextOffset = frame.baseOffset + frame.span;
      sizeBytes += frame.byteLength;
      maxTimestampMs = Math.max(maxTimestampMs, frameTimestamp(frame));
    }
    this.#facts = { ...this.#facts, lastIndex, nextOffset, sizeBytes, maxTimestampMs };
  }

  /**
   * Removes the frames at `from` and above from the file and seals the segment; gives the offset at
   * which `from` began. Rejects with STORAGE_DAMAGED when the frames below it are not all there.
   */
  async cut(from: number, fileBytes: number): Promise<number> {
    const facts = this.#facts;
    assert(from > facts.baseIndex && from <= facts.lastIndex + 1, `cut ${this.path} at ${from}`);
    const index = await this.index(fileBytes);
    const floor = index.floorByIndex(from - 1);
    assert(floor !== undefined, `no index row at ${from - 1}`);
    let maxTimestampMs = floor.maxTimestampBefore;
    let sizeBytes = 0;
    let nextOffset = -1;
    const endPosition = Math.min(facts.sizeBytes, fileBytes);
    await this.#scanner.scan(this.#range(floor.position, endPosition), (frame, position) => {
      maxTimestampMs = Math.max(maxTimestampMs, frameTimestamp(frame));
      if (frame.index !== from - 1) return true;
      sizeBytes = position + frame.byteLength;
      nextOffset = frame.baseOffset + frame.span;
      return false;
    });
    if (nextOffset < 0) throw this.#damaged(`frame ${from - 1} is missing`);
    await this.#context.handles.write(this.path, (handle) => handle.truncate(sizeBytes));
    index.truncateSuffix(sizeBytes);
    this.#persisted = undefined;
    this.#facts = {
      ...facts,
      lastIndex: from - 1,
      nextOffset,
      sizeBytes,
      maxTimestampMs,
      isSealed: true,
    };
    return nextOffset;
  }

  /** Cuts off what lies above the trusted bytes and seals the segment. */
  async cutToTrusted(): Promise<void> {
    const { sizeBytes } = this.#facts;
    await this.#context.handles.write(this.path, (handle) => handle.truncate(sizeBytes));
    this.#facts = { ...this.#facts, isSealed: true };
  }

  /** The segment is never appended to again. */
  async seal(): Promise<void> {
    this.#facts = { ...this.#facts, isSealed: true };
    await this.persistIndex();
    this.#context.indexes.touch(this);
  }

  async sync(): Promise<void> {
    await this.#context.handles.sync(this.path);
  }

  /**
   * Adds the rows that the index file does not have. The file is never synced: it can be made again
   * by a scan.
   */
  async persistIndex(): Promise<void> {
    const index = this.#index;
    if (index === undefined) return;
    const persisted = this.#persisted ?? { rows: 0, fileBytes: 0 };
    if (index.count === persisted.rows) return;
    const { sizeBytes, maxTimestampMs } = this.#facts;
    const block = encodeIndexBlock(this.#facts, index, {
      fromRow: persisted.rows,
      coveredBytes: sizeBytes,
      maxTimestamp: maxTimestampMs,
    });
    try {
      await this.#context.handles.write(this.indexPath, async (handle) => {
        await handle.write([block], persisted.fileBytes);
        await handle.truncate(persisted.fileBytes + block.length);
      });
    } catch (error) {
      // On a full disk the index can wait: it is only a shortcut, and its rows stay in memory.
      if (error instanceof FileSystemError && error.code === "ENOSPC") return;
      throw error;
    }
    this.#persisted = { rows: index.count, fileBytes: persisted.fileBytes + block.length };
  }

  /** Drops the index from memory; it is read again when it is needed. Only for sealed segments. */
  unloadIndex(): void {
    if (!this.#facts.isSealed) return;
    this.#index = undefined;
    this.#persisted = undefined;
  }

  /**
   * The index: from memory, else from its file, else from a scan of what the file does not cover.
   */
  async index(fileBytes = this.#facts.sizeBytes): Promise<SparseIndex> {
    if (this.#facts.isSealed) this.#context.indexes.touch(this);
    if (this.#index !== undefined) return this.#index;
    const endPosition = Math.min(this.#facts.sizeBytes, fileBytes);
    this.#loading ??= this.#readIndexFile().then((file) => this.#loadIndex(endPosition, file));
    try {
      this.#index = await this.#loading;
      return this.#index;
    } finally {
      this.#loading = undefined;
    }
  }

  async #loadIndex(endPosition: number, file: Uint8Array): Promise<SparseIndex> {
    const { baseIndex, baseOffset } = this.#facts;
    const index = new SparseIndex(baseIndex, baseOffset);
    const loaded = decodeIndexFile(this.#facts, file);
    const isUsable = loaded.rows.length > 0 && loaded.coveredBytes <= endPosition;
    let position = SEGMENT_HEADER_BYTES;
    let maxTimestamp = -1;
    if (isUsable) {
      for (const row of loaded.rows) index.add(row);
      position = loaded.coveredBytes;
      maxTimestamp = loaded.maxTimestamp;
    }
    let nextRowPosition = isUsable
      ? index.entry(index.count - 1).position + this.#context.indexIntervalBytes
      : 0;
    await this.#scanner.scan(this.#range(position, endPosition), (frame, at) => {
      if (at >= nextRowPosition) {
        const row = { index: frame.index, baseOffset: frame.baseOffset, position: at };
        index.add({ ...row, maxTimestampBefore: maxTimestamp });
        nextRowPosition = at + this.#context.indexIntervalBytes;
      }
      maxTimestamp = Math.max(maxTimestamp, frameTimestamp(frame));
      return true;
    });
    this.#nextRowPosition = nextRowPosition;
    return index;
  }

  async #readIndexFile(): Promise<Uint8Array> {
    try {
      return await this.#context.readGate.run(() =>
        this.#context.handles.read(this.indexPath, async (handle) => {
          const bytes = new Uint8Array(await handle.sizeBytes());
          return bytes.subarray(0, await handle.read(bytes, 0));
        }),
      );
    } catch (error) {
      if (error instanceof FileSystemError && error.code === "ENOENT") return new Uint8Array(0);
      throw error;
    }
  }

  /**
   * Visits frames in order from the index row at or below a key. When a row of the index does not
   * fit the frame that it points at, the index is made again from the segment.
   */
  async scanFrom(
    key: SearchKey,
    reading: Pick<ScanRange, "blockBytes" | "keepsFrames">,
    visit: (frame: Frame) => boolean,
  ): Promise<void> {
    const index = await this.index();
    const row = floorOf(index, key);
    let isFirst = true;
    try {
      await this.#scanFromRow(row, reading, (frame) => {
        isFirst = false;
        return visit(frame);
      });
    } catch (error) {
      const isDoubtful = isFirst && row !== undefined && CodedError.is(error);
      if (!isDoubtful || this.#index !== index) throw error;
      // What the row points at is no frame: the index may be wrong, and only a scan from the start
      // can tell.
      this.#index = await this.#loadIndex(this.#facts.sizeBytes, new Uint8Array(0));
      this.#persisted = undefined;
      await this.#scanFromRow(floorOf(this.#index, key), reading, visit);
    }
  }

  async #scanFromRow(
    row: IndexEntry | undefined,
    reading: Pick<ScanRange, "blockBytes" | "keepsFrames">,
    visit: (frame: Frame) => boolean,
  ): Promise<void> {
    const position = row?.position ?? SEGMENT_HEADER_BYTES;
    let isFirst = true;
    await this.#scanner.scan(
      { ...this.#range(position, this.#facts.sizeBytes), ...reading },
      (frame) => {
        if (isFirst && row !== undefined && frame.index !== row.index) {
          throw this.#damaged(`index row ${row.index} points at frame ${frame.index}`);
        }
        isFirst = false;
        return visit(frame);
      },
    );
  }

  /** Closes the files; nothing of them has to be durable any more. */
  close(): void {
    this.#context.indexes.forget(this);
    this.#context.handles.forget(this.path);
    this.#context.handles.forget(this.indexPath);
  }

  /** Closes the files and removes them. */
  async remove(): Promise<void> {
    this.close();
    await removeIfThere(this.#context.fileSystem, this.path);
    await removeIfThere(this.#context.fileSystem, this.indexPath);
  }

  #range(position: number, endPosition: number) {
    const { group } = this.#context;
    const reading = { blockBytes: SCAN_BLOCK_BYTES, keepsFrames: false };
    return { path: this.path, group, position, endPosition, ...reading };
  }

  #damaged(reason: string, position = 0): CodedError {
    return new CodedError(
      "STORAGE_DAMAGED",
      `${this.path} at byte ${position}: ${reason}; the replica has to be replaced`,
      { details: { file: this.path, position, reason } },
    );
  }
}

function floorOf(index: SparseIndex, key: SearchKey) {
  switch (key.by) {
    case "index":
      return index.floorByIndex(key.index);
    case "offset":
      return index.floorByOffset(key.offset);
    case "timestamp":
      return index.floorByTimestamp(key.timestampMs);
  }
}

/** Removes a file that may not exist. */
export async function removeIfThere(
  fileSystem: { remove(path: string): Promise<void> },
  path: string,
): Promise<void> {
  try {
    await fileSystem.remove(path);
  } catch (error) {
    if (!(error instanceof FileSystemError && error.code === "ENOENT")) throw error;
  }
}
