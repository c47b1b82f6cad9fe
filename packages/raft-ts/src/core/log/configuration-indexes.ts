import type { Entry } from "../types.ts";

/**
 * Indexes of appended configuration entries that are not applied yet, so that a campaign need not
 * scan the log for them. Usually empty. Invariant: ascending, and all above the applied index.
 */
export class ConfigurationIndexes {
  #indexes: number[] = [];
  /**
   * Any entry at or below it may be a configuration change: the stored log at the start, when the
   * storage keeps no list.
   */
  #unknownThrough: number;

  constructor(known: readonly number[] | undefined, lastIndex: number) {
    if (known !== undefined && known.length > 0) this.#indexes = [...known];
    this.#unknownThrough = known === undefined ? lastIndex : 0;
  }

  /** Entries were appended; whatever was at or above the first one's index is gone. */
  appended(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    this.truncateFrom(first.index);
    for (const entry of entries) {
      if (entry.type === "conf-change") this.#indexes.push(entry.index);
    }
  }

  /** Everything at `index` and above is gone. */
  truncateFrom(index: number): void {
    while ((this.#indexes.at(-1) ?? -1) >= index) this.#indexes.pop();
    this.#unknownThrough = Math.min(this.#unknownThrough, index - 1);
  }

  /** Everything through `index` is applied. */
  applied(index: number): void {
    while (this.#indexes.length > 0 && (this.#indexes[0] ?? 0) <= index) this.#indexes.shift();
    if (this.#unknownThrough <= index) this.#unknownThrough = 0;
  }

  /** Whether (applied, committed] holds, or may hold, a configuration entry. */
  mayHaveUnapplied(applied: number, committed: number): boolean {
    if (applied >= committed) return false;
    return (
      applied < Math.min(committed, this.#unknownThrough) ||
      this.#indexes.some((index) => index > applied && index <= committed)
    );
  }
}
