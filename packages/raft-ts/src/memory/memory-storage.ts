import { assert } from "../core/assert.ts";
import { entryBytes } from "../core/entry-size.ts";
import type { InitialState, LogStorage } from "../core/log-storage.ts";
import {
  type ConfState,
  EMPTY_CONF_STATE,
  EMPTY_HARD_STATE,
  type Entry,
  type HardState,
  type Snapshot,
} from "../core/types.ts";

/**
 * A log in memory: the reference `LogStorage`, for examples and tests. It also stores what a Ready
 * asks for, in the order `applySnapshot`, `append`, `setHardState`.
 */
export class MemoryStorage implements LogStorage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #snapshot: Snapshot = { index: 0, term: 0, confState: EMPTY_CONF_STATE, data: undefined };
  /** Position before the first entry; its term is still known. */
  #compacted = { index: 0, term: 0 };
  #entries: Entry[] = [];

  /** A group that begins with these voters and an empty log. */
  static withVoters(voters: readonly number[]): MemoryStorage {
    const storage = new MemoryStorage();
    storage.#snapshot = {
      ...storage.#snapshot,
      confState: { ...EMPTY_CONF_STATE, voters: [...voters] },
    };
    return storage;
  }

  initialState(): InitialState {
    const { confState, index } = this.#snapshot;
    const configurationIndexes = this.#entries
      .filter((entry) => entry.type === "conf-change" && entry.index > index)
      .map((entry) => entry.index);
    return { hardState: this.#hardState, confState, configurationIndexes };
  }

  firstIndex(): number {
    return this.#compacted.index + 1;
  }

  lastIndex(): number {
    return this.#compacted.index + this.#entries.length;
  }

  term(index: number): number | "compacted" | "unavailable" {
    if (index === this.#compacted.index) return this.#compacted.term;
    if (index < this.#compacted.index) return "compacted";
    return this.#entries[index - this.firstIndex()]?.term ?? "unavailable";
  }

  entries(from: number, to: number, maxBytes: number): readonly Entry[] | "compacted" | "pending" {
    const first = this.firstIndex();
    if (from < first) return "compacted";
    assert(to <= this.lastIndex() + 1, `entries up to ${to} are beyond the stored log`);
    let bytes = 0;
    let end = from - first;
    for (; end < to - first; end++) {
      const entry = this.#entries[end];
      if (entry !== undefined) bytes += entryBytes(entry);
      if (end > from - first && bytes > maxBytes) break;
    }
    return this.#entries.slice(from - first, end);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  setHardState(hardState: HardState): void {
    this.#hardState = hardState;
  }

  /** Appends, replacing what is stored at the first entry's index and above. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const keep = first.index - this.firstIndex();
    assert(
      keep >= 0 && keep <= this.#entries.length,
      `entries from ${first.index} do not connect to a log that ends at ${this.lastIndex()}`,
    );
    this.#entries = [...this.#entries.slice(0, keep), ...entries];
  }

  /** Replaces everything by a snapshot. */
  applySnapshot(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#compacted = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
  }

  /** Remembers the state at an applied index, for followers that need it; the log stays. */
  createSnapshot(index: number, confState: ConfState, data: Snapshot["data"]): void {
    const term = this.term(index);
    assert(typeof term === "number", `no entry ${index} to make a snapshot of`);
    this.#snapshot = { index, term, confState, data };
  }

  /** Forgets the entries through `index`, which a snapshot must cover. */
  compact(index: number): void {
    const term = this.term(index);
    assert(typeof term === "number", `no entry ${index} to compact to`);
    this.#entries = this.#entries.slice(index - this.#compacted.index);
    this.#compacted = { index, term };
  }
}
