import { assert } from "@stratalog/base";

/** One row of a segment's index: a frame's place in three orders at once. */
export interface IndexEntry {
  readonly index: number;
  readonly baseOffset: number;
  /** Byte in the segment file at which the frame begins. */
  readonly position: number;
  /** Largest record time in the segment before this frame; −1 when there is none. */
  readonly maxTimestampBefore: number;
}

const FIRST_CAPACITY = 64;

/**
 * Sparse index of one segment: a row every few KiB. All columns never fall, so one table is
 * searched by Raft index, by offset or by time. A search gives the row to begin a forward scan at.
 */
export class SparseIndex {
  readonly baseIndex: number;
  readonly baseOffset: number;
  #count = 0;
  #relativeIndex = new Uint32Array(FIRST_CAPACITY);
  #relativeOffset = new Uint32Array(FIRST_CAPACITY);
  #position = new Uint32Array(FIRST_CAPACITY);
  #maxTimestamp = new Float64Array(FIRST_CAPACITY);

  constructor(baseIndex: number, baseOffset: number) {
    this.baseIndex = baseIndex;
    this.baseOffset = baseOffset;
  }

  get count(): number {
    return this.#count;
  }

  add(entry: IndexEntry): void {
    const at = this.#count;
    if (at > 0) {
      const isInOrder =
        entry.index - this.baseIndex > (this.#relativeIndex[at - 1] as number) &&
        entry.baseOffset - this.baseOffset >= (this.#relativeOffset[at - 1] as number) &&
        entry.position > (this.#position[at - 1] as number);
      assert(isInOrder, `index row ${entry.index} out of order`);
    }
    if (at === this.#position.length) this.#grow();
    this.#relativeIndex[at] = entry.index - this.baseIndex;
    this.#relativeOffset[at] = entry.baseOffset - this.baseOffset;
    this.#position[at] = entry.position;
    this.#maxTimestamp[at] = entry.maxTimestampBefore;
    this.#count++;
  }

  entry(at: number): IndexEntry {
    assert(at >= 0 && at < this.#count, `index row ${at} of ${this.#count}`);
    return {
      index: this.baseIndex + (this.#relativeIndex[at] as number),
      baseOffset: this.baseOffset + (this.#relativeOffset[at] as number),
      position: this.#position[at] as number,
      maxTimestampBefore: this.#maxTimestamp[at] as number,
    };
  }

  /** Last row at or below a Raft index. */
  floorByIndex(index: number): IndexEntry | undefined {
    return this.#floor((at) => this.baseIndex + (this.#relativeIndex[at] as number) <= index);
  }

  /**
   * Last row whose base offset is at or below an offset: a scan from it meets the frame that holds
   * the offset.
   */
  floorByOffset(offset: number): IndexEntry | undefined {
    return this.#floor((at) => this.baseOffset + (this.#relativeOffset[at] as number) <= offset);
  }

  /** Last row before which every record is older than `timestampMs`. */
  floorByTimestamp(timestampMs: number): IndexEntry | undefined {
    return this.#floor((at) => (this.#maxTimestamp[at] as number) < timestampMs);
  }

  /** Forgets the rows at a byte position and above. */
  truncateSuffix(position: number): void {
    while (this.#count > 0 && (this.#position[this.#count - 1] as number) >= position) {
      this.#count--;
    }
  }

  /** The last row for which a predicate holds that is true for a prefix of the rows. */
  #floor(holds: (at: number) => boolean): IndexEntry | undefined {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(middle)) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : this.entry(low - 1);
  }

  #grow(): void {
    const capacity = this.#position.length * 2;
    this.#relativeIndex = grown(this.#relativeIndex, new Uint32Array(capacity));
    this.#relativeOffset = grown(this.#relativeOffset, new Uint32Array(capacity));
    this.#position = grown(this.#position, new Uint32Array(capacity));
    this.#maxTimestamp = grown(this.#maxTimestamp, new Float64Array(capacity));
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
