import { assert } from "../assert.ts";
import { entryBytes } from "../entry-size.ts";
import type { Entry, Snapshot } from "../types.ts";

const NO_ENTRIES: readonly Entry[] = [];

/**
 * The end of the log that is not known to be durable: at most one snapshot, and the entries after
 * it. What was handed out for writing stays here, marked as in progress, until the storage confirms
 * it.
 *
 * `entries[i]` has index `offset + i`. `offset` may lie below the storage's last index: then the
 * next write truncates. Invariant: offset <= offsetInProgress <= offset + entries.length.
 */
export class UnstableLog {
  #entries: Entry[] = [];
  #snapshot: Snapshot | undefined;
  #snapshotInProgress = false;
  offset: number;
  /** Index after the last entry that is being written. */
  #offsetInProgress: number;

  constructor(offset: number) {
    this.offset = offset;
    this.#offsetInProgress = offset;
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  get hasEntries(): boolean {
    return this.#entries.length > 0;
  }

  /** Last index held here; `undefined` when all of the log is durable. */
  get lastIndex(): number | undefined {
    if (this.#entries.length > 0) return this.offset + this.#entries.length - 1;
    return this.#snapshot?.index;
  }

  /** Term at `index` when it is known here. */
  term(index: number): number | undefined {
    const entry = index < this.offset ? undefined : this.#entries[index - this.offset];
    if (entry !== undefined) return entry.term;
    const snapshot = this.#snapshot;
    return snapshot !== undefined && snapshot.index === index ? snapshot.term : undefined;
  }

  get hasNextEntries(): boolean {
    return this.offset + this.#entries.length > this.#offsetInProgress;
  }

  /** Entries that must be written and were not handed out yet. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries
      ? this.#entries.slice(this.#offsetInProgress - this.offset)
      : NO_ENTRIES;
  }

  /** The snapshot, when it must be installed and was not handed out yet. */
  nextSnapshot(): Snapshot | undefined {
    return this.#snapshotInProgress ? undefined : this.#snapshot;
  }

  /** Everything held here was handed out. */
  acceptInProgress(): void {
    this.#offsetInProgress = this.offset + this.#entries.length;
    if (this.#snapshot !== undefined) this.#snapshotInProgress = true;
  }

  /**
   * The entry (`index`, `term`) and all before it are durable. Ignored when the log here has
   * another entry there: the answer is to a write that was overtaken. The caller vouches that no
   * older write in flight can still overwrite it.
   */
  stableTo(index: number, term: number): void {
    if (index < this.offset || this.#entries[index - this.offset]?.term !== term) return;
    const count = index + 1 - this.offset;
    if (count === this.#entries.length) this.#entries = [];
    else this.#entries.splice(0, count);
    this.offset = index + 1;
    this.#offsetInProgress = Math.max(this.#offsetInProgress, this.offset);
  }

  /** The snapshot at `index` is installed. */
  stableSnapshotTo(index: number): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = undefined;
    this.#snapshotInProgress = false;
  }

  /** Forgets everything in favour of a snapshot. */
  restore(snapshot: Snapshot): void {
    this.offset = snapshot.index + 1;
    this.#offsetInProgress = this.offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#snapshotInProgress = false;
  }

  /** Appends; entries here at the first one's index and above are replaced. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const from = first.index;
    if (from <= this.offset) {
      this.offset = from;
      this.#offsetInProgress = from;
      this.#entries = [...entries];
      return;
    }
    assert(from <= this.offset + this.#entries.length, `append at ${from} leaves a gap`);
    this.#entries.length = from - this.offset;
    this.#offsetInProgress = Math.min(this.#offsetInProgress, from);
    for (const entry of entries) this.#entries.push(entry);
  }

  /** Entries [from, to): at least one, then at most `maxBytes`. All of the range must be here. */
  slice(from: number, to: number, maxBytes: number): Entry[] {
    const start = from - this.offset;
    const limit = to - this.offset;
    assert(start >= 0 && limit <= this.#entries.length, `slice [${from}, ${to}) is not unstable`);
    let bytes = 0;
    let end = start;
    for (; end < limit; end++) {
      const entry = this.#entries[end];
      if (entry !== undefined) bytes += entryBytes(entry);
      if (end > start && bytes > maxBytes) break;
    }
    return this.#entries.slice(start, end);
  }
}
