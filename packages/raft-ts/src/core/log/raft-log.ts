import { assert } from "../assert.ts";
import { entryBytes, totalEntryBytes } from "../entry-size.ts";
import type { LogStorage } from "../log-storage.ts";
import type { Entry, Snapshot } from "../types.ts";
import { ConfigurationIndexes } from "./configuration-indexes.ts";
import { UnstableLog } from "./unstable-log.ts";

const NO_ENTRIES: readonly Entry[] = [];

/** A range of the log, or why it cannot be had now. */
export type LogRead = readonly Entry[] | "compacted" | "pending";

/** Where a log starts from. */
export interface RaftLogStart {
  readonly storage: LogStorage;
  /** Commit hint of the stored hard state; clamped to the stored log. */
  readonly commit: number;
  /** What the application has applied. */
  readonly applied: number;
  readonly configurationIndexes: readonly number[] | undefined;
  /** Bytes that may be handed out for applying and not confirmed. */
  readonly maxApplyingBytes: number;
}

/**
 * The log as the replica sees it: what the storage confirmed, the unstable end over it, and three
 * cursors.
 *
 * Invariant: firstIndex - 1 <= applied <= applying <= committed <= lastIndex.
 */
export class RaftLog {
  readonly storage: LogStorage;
  readonly unstable: UnstableLog;
  readonly configurationIndexes: ConfigurationIndexes;
  committed: number;
  /** Handed out for applying. */
  applying: number;
  applied: number;
  /** Committed entries could not be read from memory and were asked for. */
  applyIsPending = false;
  readonly #maxApplyingBytes: number;
  #applyingBytes = 0;
  /** No more is handed out until something is confirmed. */
  #applyIsPaused = false;

  constructor(start: RaftLogStart) {
    this.storage = start.storage;
    const compacted = start.storage.firstIndex() - 1;
    const lastIndex = start.storage.lastIndex();
    assert(
      start.applied <= lastIndex,
      `the application applied ${start.applied}, but the stored log ends at ${lastIndex}`,
    );
    this.applied = Math.max(start.applied, compacted);
    this.applying = this.applied;
    // The hint is written without a sync, so it may be ahead of the entries or behind what was
    // applied.
    this.committed = Math.max(this.applied, Math.min(start.commit, lastIndex));
    this.unstable = new UnstableLog(lastIndex + 1);
    this.configurationIndexes = new ConfigurationIndexes(start.configurationIndexes, lastIndex);
    this.configurationIndexes.applied(this.applied);
    this.#maxApplyingBytes = start.maxApplyingBytes;
  }

  get firstIndex(): number {
    const snapshot = this.unstable.snapshot;
    return snapshot === undefined ? this.storage.firstIndex() : snapshot.index + 1;
  }

  get lastIndex(): number {
    return this.unstable.lastIndex ?? this.storage.lastIndex();
  }

  get lastTerm(): number {
    const term = this.term(this.lastIndex);
    assert(typeof term === "number", `the storage does not know the term of its last entry`);
    return term;
  }

  term(index: number): number | "compacted" | "unavailable" {
    const unstable = this.unstable.term(index);
    if (unstable !== undefined) return unstable;
    if (index + 1 < this.firstIndex) return "compacted";
    if (index > this.lastIndex) return "unavailable";
    return this.storage.term(index);
  }

  matches(index: number, term: number): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends in (`lastIndex`, `lastTerm`) is at least as complete as this one. */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    const ours = this.lastTerm;
    return lastTerm > ours || (lastTerm === ours && lastIndex >= this.lastIndex);
  }

  /**
   * Appends what a leader sent after (`prevIndex`, `prevTerm`), cutting a conflicting suffix.
   * `false` when that position does not match.
   */
  maybeAppend(prevIndex: number, prevTerm: number, entries: readonly Entry[]): boolean {
    if (!this.matches(prevIndex, prevTerm)) return false;
    let start = 0;
    for (const entry of entries) {
      if (!this.matches(entry.index, entry.term)) break;
      start++;
    }
    if (start === entries.length) return true;
    const from = prevIndex + 1 + start;
    assert(
      from > this.committed,
      `entry ${from} conflicts with one committed through ${this.committed}`,
    );
    this.append(start === 0 ? entries : entries.slice(start));
    return true;
  }

  append(entries: readonly Entry[]): void {
    this.unstable.truncateAndAppend(entries);
    this.configurationIndexes.appended(entries);
  }

  /**
   * The highest index at or below `index` where this log may match another that has `term` at
   * `index`: terms never decrease along a log, so positions with a higher term are out. The term is
   * 0 where it is not known.
   */
  lastPossibleMatch(index: number, term: number): { index: number; term: number } {
    for (let guess = index; guess > 0; guess--) {
      const ours = this.term(guess);
      if (typeof ours !== "number") return { index: guess, term: 0 };
      if (ours <= term) return { index: guess, term: ours };
    }
    return { index: 0, term: 0 };
  }

  /** Raises the commit index; never lowers it. Whether it rose. */
  commitTo(index: number): boolean {
    if (index <= this.committed) return false;
    assert(
      index <= this.lastIndex,
      `commit index ${index} is beyond the log's end ${this.lastIndex}: was it cut or lost?`,
    );
    this.committed = index;
    return true;
  }

  restore(snapshot: Snapshot): void {
    this.committed = snapshot.index;
    this.unstable.restore(snapshot);
    this.configurationIndexes.truncateFrom(0);
  }

  /** Entries [from, to): at least one, then at most `maxBytes`; fewer where memory ends. */
  slice(from: number, to: number, maxBytes: number): LogRead {
    if (from >= to) return NO_ENTRIES;
    if (from < this.firstIndex) return "compacted";
    const offset = this.unstable.offset;
    if (from >= offset) return this.unstable.slice(from, to, maxBytes);
    const storedEnd = Math.min(to, offset);
    const stored = this.storage.entries(from, storedEnd, maxBytes);
    if (typeof stored === "string" || to <= offset || stored.length < storedEnd - from) {
      return stored;
    }
    const room = maxBytes - totalEntryBytes(stored);
    if (room <= 0) return stored;
    const rest = this.unstable.slice(offset, to, room);
    const first = rest[0];
    if (first === undefined || (rest.length === 1 && entryBytes(first) > room)) return stored;
    return [...stored, ...rest];
  }

  /** Last index that may be applied: without `allowUnstable` only what is durable here. */
  #appliableIndex(allowUnstable: boolean): number {
    return allowUnstable ? this.committed : Math.min(this.committed, this.unstable.offset - 1);
  }

  /** A snapshot is applied before anything after it. */
  hasNextCommitted(allowUnstable: boolean): boolean {
    if (this.#applyIsPaused || this.applyIsPending || this.unstable.snapshot !== undefined) {
      return false;
    }
    return this.applying < this.#appliableIndex(allowUnstable);
  }

  nextCommitted(allowUnstable: boolean): LogRead {
    if (!this.hasNextCommitted(allowUnstable)) return NO_ENTRIES;
    return this.slice(
      this.applying + 1,
      this.#appliableIndex(allowUnstable) + 1,
      this.remainingApplyingBytes,
    );
  }

  /** Range that `nextCommitted` would read. */
  nextCommittedRange(allowUnstable: boolean): { from: number; to: number } {
    return { from: this.applying + 1, to: this.#appliableIndex(allowUnstable) + 1 };
  }

  get remainingApplyingBytes(): number {
    return this.#maxApplyingBytes - this.#applyingBytes;
  }

  acceptApplying(entries: readonly Entry[], allowUnstable: boolean): void {
    const last = entries.at(-1);
    if (last === undefined) return;
    assert(last.index <= this.committed, `applying ${last.index} beyond commit ${this.committed}`);
    this.applying = last.index;
    this.#applyingBytes += totalEntryBytes(entries);
    // An answer cut short was cut by the limit: the next entry would not fit either.
    this.#applyIsPaused =
      this.#applyingBytes >= this.#maxApplyingBytes ||
      last.index < this.#appliableIndex(allowUnstable);
  }

  appliedTo(index: number, bytes: number): void {
    assert(
      index >= this.applied && index <= this.committed,
      `applied ${index} is outside [${this.applied}, ${this.committed}]`,
    );
    this.applied = index;
    this.applying = Math.max(this.applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#applyIsPaused = this.#applyingBytes >= this.#maxApplyingBytes;
    this.configurationIndexes.applied(index);
  }
}
