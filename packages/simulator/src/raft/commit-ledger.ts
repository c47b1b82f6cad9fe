import { present } from "@stratalog/base";
import type { Frame } from "@stratalog/raft-host";
import type { LogFacts } from "./sim-disk.ts";
import { digestFrame, type MachineState } from "./sim-machine.ts";
import { must } from "./violation.ts";

interface Committed {
  readonly term: number;
  readonly nextOffset: number;
  /** Over everything up to here. */
  readonly digest: number;
}

/** What a ledger may look at when an entry is seen committed for the first time. */
export interface DurableWitness {
  /** Number of replicas of the group. */
  readonly replicaCount: number;
  /** Replicas that may have the entry after a crash of everybody at this moment. */
  durableCount(index: number, term: number): number;
}

/**
 * The committed entries of one group as the world has seen them. Every replica's deliveries are
 * held against it: state machine safety. An entry that appears here for the first time must be
 * durable on a majority at that moment.
 */
export class CommitLedger {
  readonly #group: number;
  readonly #witness: DurableWitness;
  readonly #entries: Committed[] = [];

  constructor(group: number, witness: DurableWitness) {
    this.#group = group;
    this.#witness = witness;
  }

  /** Index of the last entry that is known to be committed. */
  get lastIndex(): number {
    return this.#entries.length;
  }

  /** A replica delivered a committed frame. */
  deliver(replica: number, frame: Frame): void {
    const where = `group ${this.#group} index ${frame.index} at replica ${replica}`;
    const known = this.#entries[frame.index - 1];
    const before = this.#entries[frame.index - 2];
    const digest = digestFrame(before?.digest ?? 0, frame);
    if (known !== undefined) {
      must(known.digest === digest, `state machine safety: another entry was committed: ${where}`);
      return;
    }
    must(frame.index === this.lastIndex + 1, `deliveries leave no gap: ${where}`);
    must(frame.baseOffset === (before?.nextOffset ?? 0), `offsets are dense: ${where}`);
    const count = this.#witness.durableCount(frame.index, frame.term);
    must(
      count > this.#witness.replicaCount / 2,
      `committed entries are durable on a majority: ${where} is on ${count}`,
    );
    const nextOffset = frame.baseOffset + frame.span;
    this.#entries.push({ term: frame.term, nextOffset, digest });
  }

  /** A replica's state machine claims this state. */
  compare(replica: number, { index, digest }: MachineState): void {
    const where = `group ${this.#group} index ${index} at replica ${replica}`;
    must(index <= this.lastIndex, `a state is not ahead of what is committed: ${where}`);
    const expected = index === 0 ? 0 : present(this.#entries[index - 1], "entry").digest;
    must(digest === expected, `a state is the fold of its log: ${where}`);
  }

  /** A replica became leader: its log must have everything that was ever committed. */
  checkLeader(replica: number, term: number, log: LogFacts): void {
    for (let index = log.firstIndex; index <= this.lastIndex; index++) {
      const entry = present(this.#entries[index - 1], "entry");
      if (entry.term > term) continue;
      must(
        log.term(index) === entry.term,
        `leader completeness: replica ${replica} leads group ${this.#group} in term ${term} ` +
          `without index ${index} of term ${entry.term}`,
      );
    }
  }
}
