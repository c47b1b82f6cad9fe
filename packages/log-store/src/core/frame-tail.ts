import { assert } from "@stratalog/base";
import type { Frame } from "./frame.ts";

/** A copy of the front is made when this many consumed slots have gathered. */
const SLACK_MAX = 1024;

/**
 * The newest frames of a log in memory: contiguous, the last one is the log's last. Followers,
 * tailing consumers and apply read from here; frames that no segment has yet exist only here and in
 * the WAL.
 */
export class FrameTail {
  #frames: (Frame | undefined)[] = [];
  #head = 0;
  #nextIndex: number;
  #bytes = 0;

  constructor(nextIndex: number) {
    this.#nextIndex = nextIndex;
  }

  get count(): number {
    return this.#frames.length - this.#head;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Index of the oldest frame held; the log's last index + 1 when there is none. */
  get firstIndex(): number {
    return this.#nextIndex - this.count;
  }

  append(frame: Frame): void {
    assert(frame.index === this.#nextIndex, `frame ${frame.index}, expected ${this.#nextIndex}`);
    this.#frames.push(frame);
    this.#nextIndex++;
    this.#bytes += frame.byteLength;
  }

  /** The frame at an index, when it is held. */
  at(index: number): Frame | undefined {
    const slot = this.#head + (index - this.firstIndex);
    return slot < this.#head ? undefined : this.#frames[slot];
  }

  /** Frames [from, to), at least one, then at most `maxBytes`; `from` is held. */
  slice(from: number, to: number, maxBytes: number): readonly Frame[] {
    const start = this.#head + (from - this.firstIndex);
    const limit = Math.min(start + (to - from), this.#frames.length);
    let end = start;
    let bytes = 0;
    while (end < limit) {
      bytes += (this.#frames[end] as Frame).byteLength;
      if (bytes > maxBytes && end > start) break;
      end++;
    }
    // Slots from the head on are filled.
    return this.#frames.slice(start, end) as Frame[];
  }

  /**
   * Index of the data frame that holds an offset, when it and all before it since the offset are
   * held.
   */
  indexOfOffset(offset: number): number | undefined {
    const oldest = this.#frames[this.#head];
    if (oldest === undefined || oldest.baseOffset > offset) return undefined;
    let low = this.#head;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const frame = this.#frames[middle] as Frame;
      if (frame.baseOffset + frame.span <= offset) low = middle + 1;
      else high = middle;
    }
    return low === this.#frames.length ? undefined : (this.#frames[low] as Frame).index;
  }

  /** Forgets the frames at `from` and above; gives their bytes. */
  truncateSuffix(from: number): number {
    const before = this.#bytes;
    while (this.count > 0 && this.#nextIndex > from) {
      this.#bytes -= (this.#frames.pop() as Frame).byteLength;
      this.#nextIndex--;
    }
    this.#nextIndex = Math.min(this.#nextIndex, from);
    return before - this.#bytes;
  }

  /** Forgets the frames below `first`; gives their bytes. */
  truncatePrefix(first: number): number {
    const before = this.#bytes;
    while (this.count > 0 && this.firstIndex < first) {
      this.#bytes -= (this.#frames[this.#head] as Frame).byteLength;
      // A slot that is passed must not keep its frame alive.
      this.#frames[this.#head] = undefined;
      this.#head++;
    }
    if (this.#head > SLACK_MAX && this.#head * 2 > this.#frames.length) {
      this.#frames = this.#frames.slice(this.#head);
      this.#head = 0;
    }
    return before - this.#bytes;
  }

  /** Forgets everything; the next frame is `nextIndex`. Gives the bytes that were held. */
  reset(nextIndex: number): number {
    const before = this.#bytes;
    this.#frames = [];
    this.#head = 0;
    this.#bytes = 0;
    this.#nextIndex = nextIndex;
    return before;
  }
}
