import { assert } from "@stratalog/base";
import type { Frame } from "../ports/frame.ts";
import type { GroupWrite, StoredHardState } from "../ports/log-storage.ts";

/**
 * One group's log and hard state as plain memory. Checks that writes leave no gap in index or
 * offset.
 */
export class MemoryLog {
  hardState: StoredHardState = { term: 0, vote: 0, commit: 0 };
  frames: Frame[] = [];
  #baseIndex = 0;
  #baseTerm = 0;
  #baseOffset = 0;

  get firstIndex(): number {
    return this.#baseIndex + 1;
  }

  get lastIndex(): number {
    return this.#baseIndex + this.frames.length;
  }

  get nextOffset(): number {
    const last = this.frames[this.frames.length - 1];
    return last === undefined ? this.#baseOffset : last.baseOffset + last.span;
  }

  frame(index: number): Frame | undefined {
    return this.frames[index - this.firstIndex];
  }

  term(index: number): number | "compacted" | "unavailable" {
    if (index < this.#baseIndex) return "compacted";
    if (index === this.#baseIndex) return this.#baseTerm;
    return this.frame(index)?.term ?? "unavailable";
  }

  /** Applies one write, in the order that the port promises. */
  apply(write: GroupWrite): void {
    if (write.reset !== undefined) {
      this.frames = [];
      this.#baseIndex = write.reset.index;
      this.#baseTerm = write.reset.term;
      this.#baseOffset = write.reset.nextOffset;
    }
    if (write.truncateFrom !== undefined) {
      assert(write.truncateFrom > this.#baseIndex, `truncation to ${write.truncateFrom}`);
      this.frames.length = Math.min(this.frames.length, write.truncateFrom - this.firstIndex);
    }
    for (const frame of write.frames) {
      assert(frame.index === this.lastIndex + 1, `frame ${frame.index} after ${this.lastIndex}`);
      assert(frame.baseOffset === this.nextOffset, `frame ${frame.index} at ${frame.baseOffset}`);
      this.frames.push(frame);
    }
    if (write.hardState !== undefined) {
      assert(write.hardState.term >= this.hardState.term, "a stored term never goes back");
      this.hardState = write.hardState;
    }
  }

  /** Drops every frame up to `index`. */
  dropPrefix(index: number): void {
    const last = this.frame(index);
    assert(last !== undefined, `no frame ${index} to drop`);
    this.frames = this.frames.slice(index - this.#baseIndex);
    this.#baseIndex = index;
    this.#baseTerm = last.term;
    this.#baseOffset = last.baseOffset + last.span;
  }

  copy(): MemoryLog {
    const copy = new MemoryLog();
    copy.hardState = this.hardState;
    copy.frames = [...this.frames];
    copy.#baseIndex = this.#baseIndex;
    copy.#baseTerm = this.#baseTerm;
    copy.#baseOffset = this.#baseOffset;
    return copy;
  }
}
