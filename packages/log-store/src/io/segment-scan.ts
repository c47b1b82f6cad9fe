import { CodedError } from "@stratalog/base";
import { maxTimestampOf } from "@stratalog/record-batch";
import type { Frame } from "../core/frame.ts";
import { FRAME_HEADER_BYTES } from "../core/frame.ts";
import { decodeFrame, decodeFrameHeader } from "../core/frame-codec.ts";
import type { Gate } from "./gate.ts";
import type { HandleCache } from "./handle-cache.ts";
import type { ReadBuffers } from "./read-buffers.ts";

/** A part of a segment file that is known to hold whole frames. */
export interface ScanRange {
  readonly path: string;
  readonly group: number;
  /** A frame begins here. */
  readonly position: number;
  /** A frame ends here; nothing is read from here on. */
  readonly endPosition: number;
  /** Bytes read at once. */
  readonly blockBytes: number;
  /** Whether frames are used after their visit; otherwise their memory is used again. */
  readonly keepsFrames: boolean;
}

/** Called for each frame in order with the byte at which it begins; false ends the scan. */
export type FrameVisitor = (frame: Frame, position: number) => boolean;

/** Largest record time of a frame, −1 when it has no records or no sensible time. */
export function frameTimestamp(frame: Frame): number {
  if (frame.kind !== "data") return -1;
  const timestamp = maxTimestampOf(frame.payload, 0);
  return Number.isSafeInteger(timestamp) ? Math.max(-1, timestamp) : -1;
}

/** Frames as they lie in a segment file, read in blocks. */
export class SegmentScanner {
  readonly #handles: HandleCache;
  readonly #gate: Gate;
  readonly #buffers: ReadBuffers;

  constructor(parts: {
    readonly handles: HandleCache;
    readonly readGate: Gate;
    readonly readBuffers: ReadBuffers;
  }) {
    this.#handles = parts.handles;
    this.#gate = parts.readGate;
    this.#buffers = parts.readBuffers;
  }

  /**
   * Visits frames until the visitor or the range ends. Rejects with STORAGE_DAMAGED, naming file
   * and position, when a frame's checksums do not hold or the file is shorter than the range.
   */
  async scan(range: ScanRange, visit: FrameVisitor): Promise<void> {
    let position = range.position;
    let wanted = range.blockBytes;
    while (position < range.endPosition) {
      const asked = Math.max(wanted, FRAME_HEADER_BYTES);
      const sizeBytes = Math.min(asked, range.endPosition - position);
      const start = position;
      const look = async (block: Uint8Array): Promise<BlockEnd> => {
        await this.#fill(range, start, block);
        return visitBlock(range, { start, block }, visit);
      };
      const end = range.keepsFrames
        ? // Not zeroed first: every byte that is used is one that was read.
          await look(Buffer.allocUnsafeSlow(sizeBytes))
        : await this.#buffers.lend(sizeBytes, look);
      if (end.isDone) return;
      position = end.position;
      wanted = end.wantedBytes ?? range.blockBytes;
    }
  }

  async #fill(range: ScanRange, position: number, block: Uint8Array): Promise<void> {
    const count = await this.#gate.run(() =>
      this.#handles.read(range.path, (handle) => handle.read(block, position)),
    );
    if (count < block.length) throw damaged(range, position + count, "the file ends too early");
  }
}

/** Where a scan goes on, and how much it has to read there when a block is not enough. */
type BlockEnd =
  | { readonly isDone: true }
  | { readonly isDone: false; readonly position: number; readonly wantedBytes?: number };

function visitBlock(
  range: ScanRange,
  { start, block }: { readonly start: number; readonly block: Uint8Array },
  visit: FrameVisitor,
): BlockEnd {
  let at = 0;
  let decoded = decodeFrame(range.group, block, at);
  while (decoded.ok) {
    if (!visit(decoded.frame, start + at)) return { isDone: true };
    at = decoded.endPosition;
    decoded = decodeFrame(range.group, block, at);
  }
  if (decoded.reason !== "truncated") throw damaged(range, start + at, decoded.reason);
  const isLastBlock = start + block.length >= range.endPosition;
  if (at === block.length && isLastBlock) return { isDone: true };
  if (at > 0) return { isDone: false, position: start + at };
  // The frame is larger than the block: its header says how much to ask for.
  const header = decodeFrameHeader(range.group, block, 0);
  if (isLastBlock || !header.ok) throw damaged(range, start, "truncated");
  const wantedBytes = FRAME_HEADER_BYTES + header.header.payloadBytes;
  return { isDone: false, position: start, wantedBytes };
}

function damaged(range: ScanRange, position: number, reason: string): CodedError {
  return new CodedError(
    "STORAGE_DAMAGED",
    `${range.path} at byte ${position}: ${reason}; the replica has to be replaced`,
    { details: { file: range.path, position, reason } },
  );
}
