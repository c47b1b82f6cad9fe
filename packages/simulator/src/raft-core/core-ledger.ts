import { present } from "@stratalog/base";
import type { ConfState, Entry } from "raft-ts";
import { must, Violation } from "../raft/violation.ts";
import { digestEntry } from "./core-application.ts";
import type { CoreLog } from "./core-log.ts";
import {
  describeConfiguration,
  isSameConfiguration,
  membersOf,
  modelChange,
} from "./configuration-model.ts";

interface Committed {
  readonly entry: Entry;
  /** Term of the leader that was first seen to have it committed. */
  readonly inTerm: number;
  /** Over everything up to here. */
  readonly digest: number;
}

interface ConfigurationAt {
  readonly index: number;
  readonly confState: ConfState;
}

/**
 * Everything that was ever committed, in order, and the configurations that follow from it. What
 * replicas commit, apply and restore is held against it.
 */
export class CoreLedger {
  readonly #entries: Committed[] = [];
  readonly #configurations: ConfigurationAt[];

  constructor(first: ConfState) {
    this.#configurations = [{ index: 0, confState: first }];
  }

  /** Index of the last committed entry. */
  get lastIndex(): number {
    return this.#entries.length;
  }

  /** Configurations so far, with the first. */
  get configurationCount(): number {
    return this.#configurations.length;
  }

  /** Whether a committed configuration has this replica. */
  wasMember(id: number): boolean {
    return this.#configurations.some(({ confState }) => membersOf(confState).has(id));
  }

  /** The newest committed configuration, and where it was committed. */
  get configuration(): ConfigurationAt {
    return present(this.#configurations.at(-1), "configuration");
  }

  /** The configuration of a replica that has applied `index`. */
  configurationAt(index: number): ConfState {
    const found = this.#configurations.findLast((one) => one.index <= index);
    return present(found, "configuration").confState;
  }

  term(index: number): number | undefined {
    return this.#entries[index - 1]?.entry.term;
  }

  digest(index: number): number | undefined {
    return index === 0 ? 0 : this.#entries[index - 1]?.digest;
  }

  /** The next entry is seen committed for the first time, by a replica in `inTerm`. */
  commit(entry: Entry, inTerm: number): void {
    const { index } = entry;
    if (index !== this.lastIndex + 1) {
      throw new Violation(`commits leave no gap: ${index} after ${this.lastIndex}`);
    }
    const digest = digestEntry(this.digest(index - 1) ?? 0, entry);
    this.#entries.push({ entry, inTerm, digest });
    if (entry.type !== "conf-change") return;
    const confState = modelChange(this.configuration.confState, entry.change);
    must(confState !== undefined, `configuration changes fit when they are committed: ${index}`);
    this.#configurations.push({ index, confState });
  }

  /** A replica applies an entry. */
  apply(replica: number, entry: Entry): void {
    const { index, term } = entry;
    const known = this.#entries[index - 1];
    if (known?.entry === entry) return;
    throw new Violation(
      known === undefined
        ? `only what is committed is applied: ${index}/${term} at replica ${replica}`
        : `state machine safety: replica ${replica} applies ${index}/${term}, ` +
            `others ${index}/${known.entry.term}`,
    );
  }

  /** A replica took over the configuration of an applied change. */
  reconfigure(replica: number, index: number, confState: ConfState): void {
    const expected = this.configurationAt(index);
    must(
      isSameConfiguration(confState, expected),
      `configurations follow from the log: replica ${replica} has ` +
        `${describeConfiguration(confState)} at ${index} instead of ${describeConfiguration(expected)}`,
    );
  }

  /** What a replica holds for committed must be in its log, and be what was committed. */
  checkCommit(replica: number, log: CoreLog, commit: number): void {
    if (commit < log.firstIndex) return;
    if (log.term(commit) === this.term(commit)) return;
    throw new Violation(
      `one entry is committed at an index: replica ${replica} has ${commit}/${log.term(commit)}, ` +
        `others ${commit}/${this.term(commit) ?? "nothing"}`,
    );
  }

  /** Leader completeness: the leader of a term has all that was committed in earlier ones. */
  checkLeader(replica: number, term: number, log: CoreLog, from = 1): void {
    for (let index = Math.max(from, log.firstIndex); index <= this.lastIndex; index++) {
      const { entry, inTerm } = present(this.#entries[index - 1], "entry");
      if (inTerm >= term || log.term(index) === entry.term) continue;
      throw new Violation(
        `leader completeness: replica ${replica} leads in term ${term} ` +
          `without ${index}/${entry.term}, committed in term ${inTerm}`,
      );
    }
  }
}
