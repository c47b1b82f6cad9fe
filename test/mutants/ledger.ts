import type { RunLedger } from "../run-ledger/run-ledger.ts";

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

/** Results of an earlier run over the same sources, by the mutant's id. */
export function resultsOf(
  ledger: RunLedger<LedgerEntry>,
  commit: string,
  suite: string,
): ReadonlyMap<string, LedgerEntry> {
  const entries = ledger.read().filter((entry) => entry.commit === commit && entry.suite === suite);
  return new Map(entries.map((entry) => [entry.id, entry]));
}
