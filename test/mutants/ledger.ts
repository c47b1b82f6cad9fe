import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

/** What became of one mutant at one state of the sources. */
export interface LedgerEntry {
  readonly commit: string;
  readonly suite: string;
  readonly id: string;
  readonly kind: "planted" | "drawn";
  readonly result: "found" | "survived" | "gone";
  /** Present when it was found by tests that did not end in time rather than by one that failed. */
  readonly isHung?: true;
  readonly seconds: number;
}

/** A file of JSON lines that a long run appends to and, when it was stopped, goes on from. */
export class Ledger {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
  }

  append(entry: LedgerEntry): void {
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }

  /** Results of an earlier run over the same sources. */
  done(commit: string, suite: string): ReadonlyMap<string, LedgerEntry> {
    if (!existsSync(this.#path)) return new Map();
    const entries = readFileSync(this.#path, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as LedgerEntry)
      .filter((entry) => entry.commit === commit && entry.suite === suite);
    return new Map(entries.map((entry) => [entry.id, entry]));
  }
}
