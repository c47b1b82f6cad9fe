import { CodedError } from "@stratalog/base";
import {
  baseOffsetOf,
  decodeBatch,
  loadCodec,
  compressionTypeOf,
  maxTimestampOf,
} from "@stratalog/record-batch";
import type { Frame } from "../core/frame.ts";
import type { GroupState } from "../core/group-state.ts";
import type { Segment } from "./segment.ts";
import type { SegmentSet } from "./segment-set.ts";

/** A read by offset. */
export interface ReadRequest {
  readonly fromOffset: number;
  /** Exclusive bound, such as the high watermark: no batch that reaches beyond it is given. */
  readonly endOffset: number;
  /** Bytes of all batches together; the first batch is given whatever its size. */
  readonly maxBytes: number;
}

/** Whole record batches in order; `nextOffset` is where to go on. */
export type ReadResult =
  | {
      readonly kind: "batches";
      readonly batches: readonly Uint8Array[];
      readonly bytes: number;
      readonly nextOffset: number;
    }
  | { readonly kind: "below-log-start" };

const BELOW_LOG_START: ReadResult = { kind: "below-log-start" };
/** Read beyond what was asked, for the frames between the index row and the first one wanted. */
const READ_MARGIN_BYTES = 8 * 1024;
const READ_BLOCK_BYTES_MAX = 1024 * 1024;

/** Gathers the data batches of a read until one of its bounds. */
class BatchGatherer {
  readonly #request: ReadRequest;
  readonly #batches: Uint8Array[] = [];
  #bytes = 0;
  #nextOffset: number;

  constructor(request: ReadRequest) {
    this.#request = request;
    this.#nextOffset = request.fromOffset;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Takes the next frame; false when the read is complete without it. */
  take(frame: Frame): boolean {
    const endOffset = frame.baseOffset + frame.span;
    if (frame.span === 0 || endOffset <= this.#request.fromOffset) return true;
    if (endOffset > this.#request.endOffset) return false;
    const { payload } = frame;
    if (this.#bytes + payload.length > this.#request.maxBytes && !this.isEmpty) return false;
    this.#batches.push(payload);
    this.#bytes += payload.length;
    this.#nextOffset = endOffset;
    return this.#bytes < this.#request.maxBytes;
  }

  result(): ReadResult {
    return {
      kind: "batches",
      batches: this.#batches,
      bytes: this.#bytes,
      nextOffset: this.#nextOffset,
    };
  }
}

/** Reads of one group's log: from memory when it is there, else from segments. */
export class GroupReader {
  readonly #state: GroupState;
  readonly #segments: SegmentSet;
  readonly #onDamage: (reason: string) => void;

  constructor(parts: {
    readonly state: GroupState;
    readonly segments: SegmentSet;
    /** A segment is not as it was written. */
    readonly onDamage: (reason: string) => void;
  }) {
    this.#state = parts.state;
    this.#segments = parts.segments;
    this.#onDamage = parts.onDamage;
  }

  frames(from: number, to: number, maxBytes: number): readonly Frame[] | "compacted" | "pending" {
    const { shape, tail } = this.#state;
    if (from < shape.firstIndex) return "compacted";
    if (from > shape.lastIndex || to <= from) return [];
    if (from < tail.firstIndex) return "pending";
    return tail.slice(from, to, maxBytes);
  }

  async fetchFrames(
    from: number,
    to: number,
    maxBytes: number,
  ): Promise<readonly Frame[] | "compacted"> {
    return this.#untilSteady(() => {
      const held = this.frames(from, to, maxBytes);
      if (held !== "pending") return held;
      return this.#scanFrames(from, Math.min(to, this.#state.flushedIndex + 1), maxBytes);
    });
  }

  async #scanFrames(from: number, to: number, maxBytes: number): Promise<readonly Frame[]> {
    const frames: Frame[] = [];
    const segment = this.#segments.segmentOfIndex(from);
    if (segment === undefined) return frames;
    let bytes = 0;
    const blockBytes = Math.min(READ_BLOCK_BYTES_MAX, maxBytes + READ_MARGIN_BYTES);
    const reading = { blockBytes, keepsFrames: true };
    await segment.scanFrom({ by: "index", index: from }, reading, (frame) => {
      if (frame.index < from) return true;
      if (frame.index >= to) return false;
      bytes += frame.byteLength;
      if (bytes > maxBytes && frames.length > 0) return false;
      frames.push(frame);
      return bytes < maxBytes;
    });
    return frames;
  }

  readBatches(request: ReadRequest): ReadResult | Promise<ReadResult> {
    const held = this.#batchesInMemory(request);
    if (held !== undefined) return held;
    return this.#untilSteady(() => this.#batchesInMemory(request) ?? this.#scanBatches(request));
  }

  /** The answer when no segment is needed for it. */
  #batchesInMemory(request: ReadRequest): ReadResult | undefined {
    const { shape, tail, logStartOffset } = this.#state;
    if (request.fromOffset < Math.max(logStartOffset, shape.firstOffset)) return BELOW_LOG_START;
    const gatherer = new BatchGatherer(request);
    if (request.fromOffset >= Math.min(shape.nextOffset, request.endOffset)) {
      return gatherer.result();
    }
    const first = tail.indexOfOffset(request.fromOffset);
    if (first === undefined) return undefined;
    for (let index = first; index <= shape.lastIndex; index++) {
      const frame = tail.at(index);
      if (frame === undefined || !gatherer.take(frame)) break;
    }
    return gatherer.result();
  }

  async #scanBatches(request: ReadRequest): Promise<ReadResult> {
    const gatherer = new BatchGatherer(request);
    const blockBytes = Math.min(READ_BLOCK_BYTES_MAX, request.maxBytes + READ_MARGIN_BYTES);
    const { flushedIndex } = this.#state;
    let goesOn = true;
    const first = this.#segments.segmentOfOffset(request.fromOffset);
    const start = first === undefined ? -1 : this.#segments.list.indexOf(first);
    const segments = start === -1 ? [] : this.#segments.list.slice(start);
    for (const segment of segments) {
      const reading = { blockBytes, keepsFrames: true };
      await segment.scanFrom({ by: "offset", offset: request.fromOffset }, reading, (frame) => {
        goesOn = frame.index <= flushedIndex && gatherer.take(frame);
        return goesOn;
      });
      // A segment that had something is answer enough; one with only zero-span frames is passed
      // over.
      if (!goesOn || !gatherer.isEmpty) break;
    }
    return gatherer.result();
  }

  /**
   * The first record at or after a time, below `endOffset`. Where that is in a batch whose records
   * are malformed under a right checksum, it is the batch's first: whoever reads there is told so,
   * and where to go on.
   */
  async findByTimestamp(
    timestampMs: number,
    endOffset: number,
  ): Promise<{ readonly offset: number; readonly timestampMs: number } | undefined> {
    const batch = await this.#untilSteady(() => this.#batchOfTimestamp(timestampMs, endOffset));
    if (batch === undefined) return undefined;
    const compression = compressionTypeOf(batch, 0);
    if (compression !== undefined) await loadCodec(compression);
    const start = this.#state.logStartOffset;
    try {
      for (const record of decodeBatch(batch)) {
        if (record.offset >= endOffset) return undefined;
        if (record.timestampMs < timestampMs || record.offset < start) continue;
        return { offset: record.offset, timestampMs: record.timestampMs };
      }
    } catch (error) {
      if (!CodedError.is(error)) throw error;
      return {
        offset: Math.max(start, baseOffsetOf(batch, 0)),
        timestampMs: maxTimestampOf(batch, 0),
      };
    }
    return undefined;
  }

  async #batchOfTimestamp(timestampMs: number, end: number): Promise<Uint8Array | undefined> {
    let found: Uint8Array | undefined;
    const { flushedIndex, shape, tail, logStartOffset } = this.#state;
    const accepts = (frame: Frame): boolean => {
      const isPast = frame.span === 0 || frame.baseOffset + frame.span <= logStartOffset;
      if (isPast || maxTimestampOf(frame.payload, 0) < timestampMs) return false;
      // Memory that a scan borrows is used again for the next one; `slice` of a Buffer is a view.
      found = new Uint8Array(frame.payload);
      return true;
    };
    for (const segment of this.#segments.list.slice()) {
      if (segment.facts.maxTimestampMs < timestampMs || segment.isEmpty) continue;
      await this.#scanByTimestamp(segment, timestampMs, (frame) => {
        const isDone = frame.index > flushedIndex || frame.baseOffset >= end || accepts(frame);
        return !isDone;
      });
      if (found !== undefined) return found;
    }
    // Frames above the flushed ones are all in memory.
    for (
      let index = Math.max(tail.firstIndex, flushedIndex + 1);
      index <= shape.lastIndex;
      index++
    ) {
      const frame = tail.at(index);
      if (frame === undefined || frame.baseOffset >= end || accepts(frame)) break;
    }
    return found;
  }

  async #scanByTimestamp(
    segment: Segment,
    timestampMs: number,
    visit: (frame: Frame) => boolean,
  ): Promise<void> {
    const reading = { blockBytes: READ_BLOCK_BYTES_MAX, keepsFrames: false };
    await segment.scanFrom({ by: "timestamp", timestampMs }, reading, visit);
  }

  /**
   * Runs a read again when frames went away under it: what it saw then may be a mixture, or a
   * missing file.
   */
  async #untilSteady<T>(read: () => T | Promise<T>): Promise<T> {
    for (;;) {
      const { generation } = this.#state;
      try {
        const result = await read();
        if (generation === this.#state.generation) return result;
      } catch (error) {
        if (generation !== this.#state.generation) continue;
        if (CodedError.is(error) && error.code === "STORAGE_DAMAGED") this.#onDamage(error.message);
        throw error;
      }
    }
  }
}
