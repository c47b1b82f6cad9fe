import { assert } from "@stratalog/base";
import type { GroupCheckpoint } from "./checkpoint-format.ts";
import type { Frame } from "./frame.ts";
import { TermRuns } from "./term-runs.ts";
import type { LogReset } from "./wal-records.ts";

/** The part of a checkpoint that says where a log begins and ends and what its terms are. */
export type LogBounds = Pick<
  GroupCheckpoint,
  | "firstIndex"
  | "firstOffset"
  | "lastIndex"
  | "nextOffset"
  | "termBefore"
  | "termRuns"
  | "configIndexes"
>;

/**
 * Bounds, terms and membership changes of a log: all of it but the frames. A group has two, one for
 * what memory shows and one for what its segments hold.
 *
 * Invariants: firstIndex ≤ lastIndex + 1; firstOffset ≤ nextOffset.
 */
export class LogShape {
  readonly group: number;
  #firstIndex: number;
  #firstOffset: number;
  #lastIndex: number;
  #nextOffset: number;
  #runs: TermRuns;
  #configIndexes: number[];

  constructor(group: number, bounds: LogBounds) {
    this.group = group;
    this.#firstIndex = bounds.firstIndex;
    this.#firstOffset = bounds.firstOffset;
    this.#lastIndex = bounds.lastIndex;
    this.#nextOffset = bounds.nextOffset;
    this.#runs = new TermRuns({ ...bounds, runs: bounds.termRuns });
    this.#configIndexes = [...bounds.configIndexes];
  }

  get firstIndex(): number {
    return this.#firstIndex;
  }
  get firstOffset(): number {
    return this.#firstOffset;
  }
  get lastIndex(): number {
    return this.#lastIndex;
  }
  get nextOffset(): number {
    return this.#nextOffset;
  }
  get runs(): TermRuns {
    return this.#runs;
  }
  get configIndexes(): readonly number[] {
    return this.#configIndexes;
  }

  append(frame: Frame): void {
    assert(
      frame.baseOffset === this.#nextOffset,
      `group ${this.group}: offset ${frame.baseOffset} after ${this.#nextOffset}`,
    );
    this.#runs.append(frame);
    if (frame.kind === "config") this.#configIndexes.push(frame.index);
    this.#lastIndex = frame.index;
    this.#nextOffset += frame.span;
  }

  /** The frames at `from` and above are gone; the next one takes `nextOffset`. */
  truncateSuffix(from: number, nextOffset: number): void {
    assert(from >= this.#firstIndex, `group ${this.group}: cut at ${from} below the first index`);
    this.#runs.truncateSuffix(from);
    this.#configIndexes = this.#configIndexes.filter((index) => index < from);
    this.#lastIndex = from - 1;
    this.#nextOffset = nextOffset;
  }

  /** The log is empty and goes on after a snapshot's end. */
  reset(reset: LogReset): void {
    this.#firstIndex = reset.index + 1;
    this.#firstOffset = reset.nextOffset;
    this.#lastIndex = reset.index;
    this.#nextOffset = reset.nextOffset;
    this.#configIndexes = [];
    this.#runs = new TermRuns({
      runs: [],
      firstIndex: reset.index + 1,
      lastIndex: reset.index,
      termBefore: reset.term,
    });
  }

  /** The frames below `first` are gone. */
  truncatePrefix(first: number, firstOffset: number): void {
    this.#runs.truncatePrefix(first, firstOffset);
    this.#configIndexes = this.#configIndexes.filter((index) => index >= first);
    this.#firstIndex = first;
    this.#firstOffset = firstOffset;
  }

  bounds(): LogBounds {
    return {
      firstIndex: this.#firstIndex,
      firstOffset: this.#firstOffset,
      lastIndex: this.#lastIndex,
      nextOffset: this.#nextOffset,
      termBefore: this.#runs.termBefore,
      termRuns: this.#runs.list,
      configIndexes: this.#configIndexes,
    };
  }
}
