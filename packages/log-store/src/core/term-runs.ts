import { assert } from "@stratalog/base";

/** A stretch of consecutive frames of one term: the leader-epoch table of a partition. */
export interface TermRun {
  readonly term: number;
  readonly startIndex: number;
  /** Offset that the run's first record took or would have taken. */
  readonly startOffset: number;
}

/**
 * The terms of a log by index, in memory, whatever the log's size.
 *
 * Invariants: runs ascend strictly in term and start index; the term just before the first frame is
 * known too, because Raft asks for it when it appends the first one elsewhere.
 */
export class TermRuns {
  #runs: TermRun[];
  #firstIndex: number;
  #lastIndex: number;
  #termBefore: number;

  constructor(initial: {
    readonly runs: readonly TermRun[];
    readonly firstIndex: number;
    readonly lastIndex: number;
    readonly termBefore: number;
  }) {
    this.#runs = [...initial.runs];
    this.#firstIndex = initial.firstIndex;
    this.#lastIndex = initial.lastIndex;
    this.#termBefore = initial.termBefore;
  }

  get list(): readonly TermRun[] {
    return this.#runs;
  }

  /** Term of the frame before the first one. */
  get termBefore(): number {
    return this.#termBefore;
  }

  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? this.#termBefore;
  }

  /** Term at an index in [first − 1, last]. */
  term(index: number): number | "compacted" | "unavailable" {
    if (index > this.#lastIndex) return "unavailable";
    if (index < this.#firstIndex - 1) return "compacted";
    if (index === this.#firstIndex - 1) return this.#termBefore;
    const run = this.#runs[this.#runAt(index)];
    assert(run !== undefined, `no term run at index ${index}`);
    return run.term;
  }

  /** Takes note of the next frame. */
  append(frame: {
    readonly term: number;
    readonly index: number;
    readonly baseOffset: number;
  }): void {
    assert(frame.index === this.#lastIndex + 1, `frame ${frame.index} after ${this.#lastIndex}`);
    const last = this.lastTerm;
    assert(frame.term >= last, `term ${frame.term} after ${last}`);
    if (this.#runs.length === 0 || frame.term > last) {
      const { term, index, baseOffset } = frame;
      this.#runs.push({ term, startIndex: index, startOffset: baseOffset });
    }
    this.#lastIndex = frame.index;
  }

  /** Forgets every frame at `from` and above. */
  truncateSuffix(from: number): void {
    while ((this.#runs.at(-1)?.startIndex ?? -1) >= from) this.#runs.pop();
    this.#lastIndex = Math.min(this.#lastIndex, from - 1);
  }

  /** Forgets every frame below `first`, whose own offset is given for the run that is cut. */
  truncatePrefix(first: number, firstOffset: number): void {
    if (first <= this.#firstIndex) return;
    const termBefore = this.term(first - 1);
    assert(typeof termBefore === "number", `no term before index ${first}`);
    const at = first > this.#lastIndex ? this.#runs.length : this.#runAt(first);
    const kept = this.#runs.slice(at);
    const cut = kept[0];
    if (cut !== undefined && cut.startIndex < first) {
      kept[0] = { term: cut.term, startIndex: first, startOffset: firstOffset };
    }
    this.#runs = kept;
    this.#termBefore = termBefore;
    this.#firstIndex = first;
  }

  /** Position in the table of the run that holds `index`. */
  #runAt(index: number): number {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#runs[middle] as TermRun).startIndex <= index) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
