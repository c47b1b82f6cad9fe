import { type GroupCheckpoint, groupKey } from "./checkpoint-format.ts";
import type { StoredHardState } from "./hard-state.ts";
import type { LogReset, WalRecord } from "./wal-records.ts";

/**
 * Entries of one WAL batch that survive: those of the group among its records [firstRecord,
 * lastRecord].
 */
export interface ReplayRun {
  readonly batch: number;
  readonly firstRecord: number;
  lastRecord: number;
  readonly fromIndex: number;
  toIndex: number;
  readonly isBroken: boolean;
  /** File and position, for people. */
  readonly where: string;
}

/** Where a record was found. */
export interface RecordPlace {
  readonly batch: number;
  /** Position in the batch's list of records. */
  readonly ordinal: number;
  /** Its payload fails its checksum. */
  readonly isBroken: boolean;
  /** File and position of the batch, for people. */
  readonly where: string;
}

/** What recovery has to do for one group. */
export interface GroupPlan {
  readonly checkpoint: GroupCheckpoint;
  /** The group was dropped: its keys and files go. */
  readonly isDropped: boolean;
  /** The log was replaced: every segment goes, and the log begins after this. */
  readonly reset: LogReset | undefined;
  /** Segments are cut after this index … */
  readonly cutIndex: number;
  /** … where this is the next offset. */
  readonly cutOffset: number;
  /** Entries of the WAL to append after the cut, in order. */
  readonly runs: readonly ReplayRun[];
  readonly lastIndex: number;
  readonly hardState: StoredHardState;
  /** Why the replica must not take part any more. */
  readonly damage: string | undefined;
}

/**
 * Replays the WAL's records of one group over its checkpoint, without payloads: what remains is a
 * cut of the segments and a list of entries to append. Damage is judged in the end, after every
 * truncation: an entry that was removed later may be broken.
 */
export class GroupReplay {
  readonly #checkpoint: GroupCheckpoint;
  #isDropped = false;
  #reset: LogReset | undefined;
  #cutIndex: number;
  #cutOffset: number;
  #lastIndex: number;
  #nextOffset: number;
  #hardState: StoredHardState;
  #runs: ReplayRun[] = [];
  /**
   * Entries after a truncation begin a new run: those of one batch may take back others of the same
   * batch.
   */
  #mustBeginRun = true;
  #damage: string | undefined;

  /** `walDamage`: the WAL as a whole cannot be believed. */
  constructor(checkpoint: GroupCheckpoint, walDamage?: string) {
    this.#checkpoint = checkpoint;
    this.#cutIndex = checkpoint.lastIndex;
    this.#cutOffset = checkpoint.nextOffset;
    this.#lastIndex = checkpoint.lastIndex;
    this.#nextOffset = checkpoint.nextOffset;
    this.#hardState = checkpoint.hardState;
    this.#damage = checkpoint.damage ?? walDamage;
  }

  /** Takes the next record of the group. */
  apply(record: WalRecord, at: RecordPlace): void {
    if (at.batch <= this.#checkpoint.batch || this.#isDropped) return;
    switch (record.type) {
      case "entry":
        this.#applyEntry(record, at);
        break;
      case "hard-state":
        this.#hardState = record.hardState;
        break;
      case "truncate":
        this.#applyTruncate(record.from, record.nextOffset);
        break;
      case "reset":
        this.#runs = [];
        this.#mustBeginRun = true;
        this.#reset = record.reset;
        this.#lastIndex = record.reset.index;
        this.#nextOffset = record.reset.nextOffset;
        this.#cutIndex = record.reset.index;
        this.#cutOffset = record.reset.nextOffset;
        break;
      case "drop":
        this.#isDropped = record.replicaEpoch === this.#checkpoint.descriptor.replicaEpoch;
        break;
    }
  }

  #applyEntry(record: WalRecord & { type: "entry" }, at: RecordPlace): void {
    const { index, baseOffset, span } = record.header;
    if (index !== this.#lastIndex + 1 || baseOffset !== this.#nextOffset) {
      this.#damage ??=
        `WAL batch ${at.batch} has entry ${index} at offset ${baseOffset}, ` +
        `expected ${this.#lastIndex + 1} at ${this.#nextOffset} (${at.where})`;
      return;
    }
    this.#lastIndex = index;
    this.#nextOffset += span;
    const last = this.#runs.at(-1);
    const goesOn = last?.batch === at.batch && last.isBroken === at.isBroken;
    if (goesOn && !this.#mustBeginRun) {
      last.lastRecord = at.ordinal;
      last.toIndex = index;
    } else {
      const { batch, ordinal, isBroken, where } = at;
      const records = { firstRecord: ordinal, lastRecord: ordinal };
      this.#runs.push({ batch, ...records, fromIndex: index, toIndex: index, isBroken, where });
      this.#mustBeginRun = false;
    }
  }

  #applyTruncate(from: number, nextOffset: number): void {
    if (from <= this.#hardState.commit) {
      this.#damage ??= `WAL truncates at ${from}, below the commit point ${this.#hardState.commit}`;
      return;
    }
    if (from > this.#lastIndex) return;
    while ((this.#runs.at(-1)?.fromIndex ?? -1) >= from) this.#runs.pop();
    const last = this.#runs.at(-1);
    if (last !== undefined && last.toIndex >= from) last.toIndex = from - 1;
    this.#mustBeginRun = true;
    this.#lastIndex = from - 1;
    this.#nextOffset = nextOffset;
    if (from <= this.#cutIndex) {
      this.#cutIndex = from - 1;
      this.#cutOffset = nextOffset;
    }
  }

  finish(): GroupPlan {
    const broken = this.#runs.find((run) => run.isBroken);
    if (broken !== undefined) {
      this.#damage ??= `entry ${broken.fromIndex} in WAL batch ${broken.batch} fails its checksum (${broken.where})`;
    }
    if (this.#hardState.commit > this.#lastIndex) {
      const { commit } = this.#hardState;
      const key = groupKey(this.#checkpoint.descriptor.group);
      this.#damage ??=
        `the log ends at ${this.#lastIndex}, below the commit point ${commit}: ` +
        `kv/ has an old value of "${key}", or wal/ lacks its end`;
    }
    return {
      checkpoint: this.#checkpoint,
      isDropped: this.#isDropped,
      reset: this.#reset,
      cutIndex: this.#cutIndex,
      cutOffset: this.#cutOffset,
      runs: this.#runs,
      lastIndex: this.#lastIndex,
      hardState: this.#hardState,
      damage: this.#damage,
    };
  }
}
