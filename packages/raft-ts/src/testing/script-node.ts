import type { InitialState } from "../core/log-storage.ts";
import type { RaftOptions } from "../core/options.ts";
import type { StorageAppendMessage, StorageApplyMessage } from "../core/messages.ts";
import { RaftNode } from "../core/raft-node.ts";
import {
  type ConfState,
  EMPTY_CONF_STATE,
  type Entry,
  type HardState,
  NO_LIMIT,
  type Snapshot,
} from "../core/types.ts";
import { MemoryStorage } from "../memory/memory-storage.ts";
import { ScriptData, textOf } from "./describe/describe-entry.ts";
import { ScriptError } from "./script/arguments.ts";

/** What a script may set for a replica. */
export type ScriptNodeOptions = Partial<Omit<RaftOptions, "id" | "storage" | "random">>;

/**
 * What replicas of scripts run with unless told otherwise: short timeouts, no limits, nothing
 * optional.
 */
export const SCRIPT_OPTIONS: ScriptNodeOptions = {
  electionTicks: 3,
  heartbeatTicks: 1,
  maxBytesPerMessage: NO_LIMIT,
  maxInflightMessages: NO_LIMIT,
  preVote: false,
  checkQuorum: false,
  coalesceAppends: false,
  disableProposalForwarding: false,
  stepDownOnRemoval: false,
};

/**
 * A replica of a script with its storage and its state machine, which appends every payload to a
 * text. The newest state is what a follower gets as snapshot.
 */
export class ScriptNode {
  raft: RaftNode;
  readonly storage: NewestSnapshotStorage;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly isAsync: boolean;
  readonly #createRaft: (applied: number) => RaftNode;
  /** Work for the append worker, in order. */
  readonly appendWork: StorageAppendMessage[] = [];
  /** Work for the apply worker, in order. */
  readonly applyWork: StorageApplyMessage[] = [];

  constructor(id: number, options: ScriptNodeOptions, start: Snapshot) {
    this.storage = new NewestSnapshotStorage(start);
    if (start.index > 0) this.storage.applySnapshot(start);
    const settings = { ...SCRIPT_OPTIONS, ...options };
    this.electionTicks = settings.electionTicks ?? 0;
    this.heartbeatTicks = settings.heartbeatTicks ?? 0;
    this.isAsync = settings.asyncStorageWrites === true;
    const { storage } = this;
    this.#createRaft = (applied) =>
      new RaftNode({ ...settings, id, storage, applied, random: () => 0 });
    this.raft = this.#createRaft(start.index);
  }

  /** Forgets everything that was not written. The state machine remembers what it applied. */
  restart(): void {
    this.appendWork.length = 0;
    this.applyWork.length = 0;
    this.raft = this.#createRaft(this.storage.newest.index);
  }

  /** Writes what a Ready, or a message to the append worker, asks for. */
  write(
    hardState: HardState | undefined,
    snapshot: Snapshot | undefined,
    entries: readonly Entry[],
  ): void {
    if (hardState !== undefined) this.storage.setHardState(hardState);
    if (snapshot === undefined) {
      this.storage.append(entries);
      return;
    }
    if (entries.length > 0)
      throw new ScriptError("can't apply snapshot and entries at the same time");
    this.storage.applySnapshot(snapshot);
    this.storage.newest = snapshot;
  }

  /** Applies committed entries. */
  apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { newest } = this.storage;
      const isChange = entry.type === "conf-change";
      const confState = isChange ? this.raft.applyConfChange(entry.change) : newest.confState;
      const data = isChange ? "" : textOf(entry.data);
      this.storage.newest = {
        index: entry.index,
        term: entry.term,
        confState,
        data: new ScriptData(textOf(newest.data) + data),
      };
    }
  }
}

/** Memory storage whose snapshot is always that of the last applied entry. */
class NewestSnapshotStorage extends MemoryStorage {
  newest: Snapshot;

  constructor(start: Snapshot) {
    super();
    this.newest = start;
  }

  override initialState(): InitialState {
    return { ...super.initialState(), confState: this.newest.confState };
  }

  override snapshot(): Snapshot {
    return this.newest;
  }
}

/** The state of a replica that starts with nothing. */
export function emptySnapshot(confState: ConfState = EMPTY_CONF_STATE): Snapshot {
  return { index: 0, term: 0, confState, data: undefined };
}
