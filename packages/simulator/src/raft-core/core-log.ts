import { present } from "@stratalog/base";
import {
  type ConfState,
  EMPTY_HARD_STATE,
  type Entry,
  type EntryData,
  type HardState,
  type Snapshot,
  type StorageAppendMessage,
} from "raft-ts";
import { must } from "../raft/violation.ts";

/** State of the simulated state machine: a digest over everything that it applied. */
export class FoldedState implements EntryData {
  readonly byteLength = 4;
  readonly digest: number;

  constructor(digest: number) {
    this.digest = digest;
  }
}

/** The bytes that an entry counts for; who is asked for more has only its index and term. */
const OVERHEAD_BYTES = 12;

function sizeBytes(entry: Entry): number {
  return entry.type === "normal" ? OVERHEAD_BYTES + (entry.data?.byteLength ?? 0) : OVERHEAD_BYTES;
}

/**
 * One state of a replica's storage: hard state, checkpoint of the state machine, and the log above
 * what was compacted. The checkpoint is never below what was compacted.
 */
export class CoreLog {
  hardState: HardState = EMPTY_HARD_STATE;
  checkpoint: Snapshot;
  #compacted: { readonly index: number; readonly term: number } = { index: 0, term: 0 };
  #entries: Entry[] = [];

  /** An empty log of a group that begins with this configuration. */
  constructor(confState: ConfState) {
    this.checkpoint = { index: 0, term: 0, confState, data: new FoldedState(0) };
  }

  get firstIndex(): number {
    return this.#compacted.index + 1;
  }

  get lastIndex(): number {
    return this.#compacted.index + this.#entries.length;
  }

  entry(index: number): Entry | undefined {
    return this.#entries[index - this.#compacted.index - 1];
  }

  term(index: number): number | "compacted" | "unavailable" {
    const { index: compacted, term } = this.#compacted;
    if (index > compacted) return this.#entries[index - compacted - 1]?.term ?? "unavailable";
    return index === compacted ? term : "compacted";
  }

  /** Whether this log has the entry, or had it and dropped it as applied. */
  has(index: number, term: number): boolean {
    const found = this.term(index);
    return found === term || found === "compacted";
  }

  /** Entries [from, to): at least one, then at most `maxBytes`. */
  slice(from: number, to: number, maxBytes: number): readonly Entry[] {
    const start = from - this.firstIndex;
    const limit = to - this.firstIndex;
    let bytes = 0;
    let end = start;
    for (; end < limit; end++) {
      bytes += sizeBytes(present(this.#entries[end], "entry"));
      if (end > start && bytes > maxBytes) break;
    }
    return this.#entries.slice(start, end);
  }

  /** Indexes of configuration entries above the checkpoint. */
  configurationIndexes(): readonly number[] {
    return this.#entries
      .filter(({ type, index }) => type === "conf-change" && index > this.checkpoint.index)
      .map(({ index }) => index);
  }

  /**
   * Carries out the first `partCount` parts of a write, all by default: its snapshot, each of its
   * entries, its hard state. A crash may leave any number of them.
   */
  write(work: StorageAppendMessage, partCount = Number.MAX_SAFE_INTEGER): void {
    let left = partCount;
    if (work.snapshot !== undefined && left-- > 0) this.#install(work.snapshot);
    const { entries } = work;
    this.#append(left < entries.length ? entries.slice(0, Math.max(0, left)) : entries);
    left -= entries.length;
    if (work.hardState !== undefined && left > 0) this.hardState = work.hardState;
  }

  /** Forgets the entries through `index`, as far as the checkpoint covers them. */
  compact(index: number): void {
    const target = Math.min(index, this.checkpoint.index);
    const term = this.term(target);
    if (target < this.firstIndex || typeof term !== "number") return;
    this.#entries = this.#entries.slice(target - this.#compacted.index);
    this.#compacted = { index: target, term };
  }

  copy(): CoreLog {
    const copy = new CoreLog(this.checkpoint.confState);
    copy.hardState = this.hardState;
    copy.checkpoint = this.checkpoint;
    copy.#compacted = this.#compacted;
    copy.#entries = [...this.#entries];
    return copy;
  }

  #append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const kept = first.index - this.firstIndex;
    must(
      kept >= 0 && kept <= this.#entries.length,
      `writes leave no gap: entries from ${first.index} after ${this.lastIndex}`,
    );
    this.#entries.length = kept;
    for (const entry of entries) this.#entries.push(entry);
  }

  #install(snapshot: Snapshot): void {
    this.checkpoint = snapshot;
    this.#compacted = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
  }
}

/** How many parts a write has; see `CoreLog.write`. */
export function partCountOf(work: StorageAppendMessage): number {
  const snapshot = work.snapshot === undefined ? 0 : 1;
  return snapshot + work.entries.length + (work.hardState === undefined ? 0 : 1);
}
