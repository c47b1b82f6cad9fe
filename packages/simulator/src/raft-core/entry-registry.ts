import type { Entry, ReplicaId, StorageAppendMessage } from "raft-ts";
import { Violation } from "../raft/violation.ts";
import type { CoreLog } from "./core-log.ts";

interface Known {
  readonly entry: Entry;
  readonly previousTerm: number;
}

/**
 * Log matching, checked as entries are appended: the first log that holds (index, term) says what
 * the entry is and which term comes before it, and every other must agree. By induction logs that
 * share an entry are equal up to it, and no log is ever compared with another.
 */
export class EntryRegistry {
  readonly #byIndex: Known[][] = [];

  /** A replica hands out a write, which is not in `log` yet. `leaderOf` answers for a term. */
  check(
    replica: ReplicaId,
    log: CoreLog,
    work: StorageAppendMessage,
    leaderOf: (term: number) => ReplicaId | undefined,
  ): void {
    const { snapshot, entries } = work;
    const first = entries[0];
    if (first === undefined) return;
    const isAfterSnapshot = snapshot !== undefined && snapshot.index === first.index - 1;
    const before = isAfterSnapshot ? snapshot.term : log.term(first.index - 1);
    if (typeof before !== "number") {
      throw new Violation(`writes connect to the log: replica ${replica} at ${first.index}`);
    }
    let previousTerm = before;
    for (const entry of entries) {
      this.#checkEntry(replica, entry, previousTerm, leaderOf);
      previousTerm = entry.term;
    }
  }

  /**
   * A leader sends entries after one of `previousTerm`. It may have lost its term before it wrote
   * them, so that a follower is the first to write what nobody else will.
   */
  checkSent(
    leader: ReplicaId,
    previousTerm: number,
    entries: readonly Entry[],
    leaderOf: (term: number) => ReplicaId | undefined,
  ): void {
    let before = previousTerm;
    for (const entry of entries) {
      this.#checkEntry(leader, entry, before, leaderOf);
      before = entry.term;
    }
  }

  #checkEntry(
    replica: ReplicaId,
    entry: Entry,
    previousTerm: number,
    leaderOf: (term: number) => ReplicaId | undefined,
  ): void {
    const { index, term } = entry;
    const same = (this.#byIndex[index] ??= []);
    for (const known of same) {
      if (known.entry.term !== term) continue;
      if (known.entry === entry && known.previousTerm === previousTerm) return;
      throw new Violation(
        `log matching: replica ${replica} has ${index}/${term} after a term ${previousTerm}, ` +
          `others after ${known.previousTerm}${known.entry === entry ? "" : ", and another entry"}`,
      );
    }
    if (leaderOf(term) !== replica) {
      throw new Violation(
        `entries come from the leader of their term: ${index}/${term} from ${replica}`,
      );
    }
    if (previousTerm > term) {
      throw new Violation(`terms never fall along a log: ${index}/${term} after ${previousTerm}`);
    }
    same.push({ entry, previousTerm });
  }
}
