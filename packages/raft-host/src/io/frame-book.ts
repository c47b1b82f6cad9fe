import { assert } from "@stratalog/base";
import type { Entry, StorageAppendMessage } from "raft-ts";
import { encodeConfChange } from "../core/conf-change-codec.ts";
import { frameIn, snapshotData } from "../core/entry-frames.ts";
import type { Frame, FrameCodec } from "../ports/frame.ts";
import type { LogView } from "../ports/log-storage.ts";

/** What a storage-append message asks of the log. */
export interface FramedAppend {
  readonly frames: readonly Frame[];
  readonly truncateFrom: number | undefined;
}

const NO_PAYLOAD = new Uint8Array(0);

/** The log and what was received do not fit together: this replica must not go on. */
export class DivergenceError extends Error {
  override readonly name = "DivergenceError";
}

/**
 * Gives each entry of one group its frame. Proposals and received entries bring theirs along; the
 * core's own entries (a new leader's no-op, configuration changes) get one when they are first
 * written.
 *
 * Checks that frames follow each other without a gap in index and offset: the one place through
 * which every frame passes on its way into the log.
 */
export class FrameBook {
  readonly #codec: FrameCodec;
  readonly #view: LogView;
  readonly #ownFrames = new WeakMap<Entry, Frame>();

  constructor(codec: FrameCodec, view: LogView) {
    this.#codec = codec;
    this.#view = view;
  }

  /** The frames to write for a message of the core. Throws DivergenceError. */
  append(message: StorageAppendMessage): FramedAppend {
    const first = message.entries[0];
    if (first === undefined) return { frames: [], truncateFrom: undefined };
    const { lastIndex } = this.#view;
    const snapshot = message.snapshot;
    const isTruncating = snapshot === undefined && first.index <= lastIndex;
    let nextOffset =
      snapshot === undefined ? this.#offsetAt(first) : snapshotData(snapshot.data).nextOffset;
    const startIndex = snapshot === undefined ? lastIndex + 1 : snapshot.index + 1;
    assert(first.index <= startIndex, `entry ${first.index} leaves a gap after ${lastIndex}`);
    const frames: Frame[] = [];
    for (const entry of message.entries) {
      const frame = this.#frameFor(entry, nextOffset);
      check(frame, entry, nextOffset);
      frames.push(frame);
      nextOffset = frame.baseOffset + frame.span;
    }
    return { frames, truncateFrom: isTruncating ? first.index : undefined };
  }

  /** The frame of an entry that was written before. */
  frameOf(entry: Entry): Frame {
    const frame = this.#find(entry);
    assert(frame !== undefined, `entry ${entry.index} has no frame`);
    return frame;
  }

  /**
   * The frames of entries to send. Undefined when one of them was replaced before it was written:
   * a leader that loses its term in the turn in which it won it has sent nothing yet, and nobody
   * waits for it.
   */
  framesOf(entries: readonly Entry[]): readonly Frame[] | undefined {
    const frames: Frame[] = [];
    for (const entry of entries) {
      const frame = this.#find(entry);
      if (frame === undefined) return undefined;
      frames.push(frame);
    }
    return frames;
  }

  #find(entry: Entry): Frame | undefined {
    const known = frameIn(entry) ?? this.#ownFrames.get(entry);
    if (known !== undefined) return known;
    const stored = this.#stored(entry.index);
    return stored?.term === entry.term ? stored : undefined;
  }

  #frameFor(entry: Entry, nextOffset: number | undefined): Frame {
    const known = frameIn(entry);
    if (known !== undefined) return known;
    assert(nextOffset !== undefined, `offset of entry ${entry.index} is not known`);
    const { index, term } = entry;
    const payload = entry.type === "normal" ? NO_PAYLOAD : encodeConfChange(entry.change);
    const kind = entry.type === "normal" ? "noop" : "config";
    const frame = this.#codec.create({
      kind,
      term,
      index,
      baseOffset: nextOffset,
      span: 0,
      payload,
    });
    this.#ownFrames.set(entry, frame);
    return frame;
  }

  /** Offset at which `first` must begin; undefined when the frame before it is not in memory. */
  #offsetAt(first: Entry): number | undefined {
    if (first.index === this.#view.lastIndex + 1) return this.#view.nextOffset;
    const before = this.#stored(first.index - 1);
    return before === undefined ? frameIn(first)?.baseOffset : before.baseOffset + before.span;
  }

  #stored(index: number): Frame | undefined {
    if (index < this.#view.firstIndex || index > this.#view.lastIndex) return undefined;
    const frames = this.#view.frames(index, index + 1, 1);
    return frames === "compacted" || frames === "pending" ? undefined : frames[0];
  }
}

function check(frame: Frame, entry: Entry, nextOffset: number | undefined): void {
  const { index, term, kind, span, baseOffset } = frame;
  if (index !== entry.index || term !== entry.term) {
    throw new DivergenceError(`frame ${index}/${term} in entry ${entry.index}/${entry.term}`);
  }
  if (nextOffset !== undefined && baseOffset !== nextOffset) {
    throw new DivergenceError(`frame ${index} begins at offset ${baseOffset}, not ${nextOffset}`);
  }
  if ((kind === "data") !== span > 0) {
    throw new DivergenceError(`frame ${index} of kind ${kind} takes ${span} offsets`);
  }
}
