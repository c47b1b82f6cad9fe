import type { InitialState, LogStorage } from "../../core/log-storage.ts";
import type { Message, StorageAppendMessage } from "../../core/messages.ts";
import type { RaftOptions } from "../../core/options.ts";
import { RaftNode } from "../../core/raft-node.ts";
import type { Ready } from "../../core/ready.ts";
import { type ConfState, type Entry, type ReplicaId, type Snapshot } from "../../core/types.ts";
import { MemoryStorage } from "../../memory/memory-storage.ts";
import type { SeededSource } from "./seeded-source.ts";

/** What a run does to every replica. */
export interface RandomReplicaOptions {
  readonly raft: Omit<RaftOptions, "id" | "storage" | "random" | "applied">;
  /** Percent of reads of stored entries that find them not in memory. */
  readonly pendingPercent: number;
}

/** What a replica tells the run that watches it. */
export interface RandomReplicaWatcher {
  sent(message: Message): void;
  applied(id: ReplicaId, entry: Entry): void;
  restored(id: ReplicaId, snapshot: Snapshot): void;
  readConfirmed(context: number, index: number): void;
}

/**
 * A replica with a disk that keeps only what was synced, and a state machine that keeps the index
 * and the configuration it has applied. A crash forgets the rest, and may set the commit hint back.
 */
export class RandomReplica {
  readonly id: ReplicaId;
  readonly storage: FlakyStorage;
  readonly #options: RandomReplicaOptions;
  readonly #source: SeededSource;
  readonly #watcher: RandomReplicaWatcher;
  raft: RaftNode;
  isUp = true;
  applied = 0;
  confState: ConfState;
  #confIndex = 0;
  /** Asynchronous mode: storage messages that are not carried out yet, in order. */
  #appendQueue: StorageAppendMessage[] = [];
  #applyQueue: Message[] = [];
  #wanted: (ReplicaId | "apply")[] = [];

  constructor(
    id: ReplicaId,
    voters: readonly ReplicaId[],
    options: RandomReplicaOptions,
    world: { readonly source: SeededSource; readonly watcher: RandomReplicaWatcher },
  ) {
    this.id = id;
    this.#options = options;
    this.#source = world.source;
    this.#watcher = world.watcher;
    this.confState = {
      voters,
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    };
    this.storage = new FlakyStorage(this, options.pendingPercent, world.source);
    this.raft = this.#createNode(0);
  }

  #createNode(applied: number): RaftNode {
    const source = this.#source;
    return new RaftNode({
      ...this.#options.raft,
      id: this.id,
      storage: this.storage,
      applied,
      random: (bound) => source.below(bound),
    });
  }

  get #isAsync(): boolean {
    return this.#options.raft.asyncStorageWrites === true;
  }

  /** Loses what was not synced. */
  crash(): void {
    this.isUp = false;
    this.#appendQueue = [];
    this.#applyQueue = [];
    this.#wanted = [];
  }

  /**
   * Starts from the disk. The application may have forgotten entries that change no configuration.
   */
  restart(): void {
    const { hardState } = this.storage.initialState();
    const commit = this.#source.below(hardState.commit + 1);
    this.storage.setHardState({ ...hardState, commit });
    const least = Math.max(this.#confIndex, this.storage.firstIndex() - 1);
    this.applied = least + this.#source.below(this.applied - least + 1);
    this.raft = this.#createNode(this.applied);
    this.isUp = true;
  }

  /**
   * Takes one Ready, if there is one. In synchronous mode the replica may crash at any point of it.
   */
  takeReady(crashPercent: number): void {
    if (!this.raft.hasReady()) return;
    const ready = this.raft.ready();
    this.#wanted.push(...ready.wants.map((want) => want.for));
    for (const read of ready.readStates) this.#watcher.readConfirmed(read.context, read.index);
    if (this.#isAsync) this.#queue(ready);
    else this.#carryOut(ready, crashPercent);
  }

  #queue(ready: Ready): void {
    for (const message of ready.messages) {
      if (message.type === "storage-append") this.#appendQueue.push(message);
      else if (message.type === "storage-apply") this.#applyQueue.push(message);
      else this.#watcher.sent(message);
    }
  }

  #carryOut(ready: Ready, crashPercent: number): void {
    if (this.#source.chance(crashPercent)) return this.crash();
    this.#write(ready);
    if (this.#source.chance(crashPercent)) return this.crash();
    for (const message of ready.messages) this.#watcher.sent(message);
    this.#apply(ready.committedEntries);
    if (this.#source.chance(crashPercent)) return this.crash();
    this.raft.advance(ready);
  }

  /** Asynchronous mode: carries out the oldest write, or the oldest application. */
  work(): void {
    const isAppend = this.#source.chance(50);
    if (isAppend) {
      const append = this.#appendQueue.shift();
      if (append === undefined) return;
      this.#write(append);
      this.#respond(append.responses);
      return;
    }
    const apply = this.#applyQueue.shift();
    if (apply?.type !== "storage-apply") return;
    this.#apply(apply.entries);
    this.#respond(apply.responses);
  }

  /** Whether nothing is left to do here without a message or a tick. */
  get isIdle(): boolean {
    const queued = this.#appendQueue.length + this.#applyQueue.length + this.#wanted.length;
    return queued === 0 && !this.raft.hasReady();
  }

  /** Entries that were asked for come into memory. */
  serveWant(): void {
    const reader = this.#wanted.shift();
    if (reader === undefined) return;
    this.storage.answerNext();
    this.raft.entriesAvailable(reader);
  }

  /** Makes a snapshot at the applied index and forgets a part of the log. */
  compact(): void {
    const first = this.storage.firstIndex();
    if (this.applied < first) return;
    this.snapshot();
    this.storage.compact(first + this.#source.below(this.applied - first + 1));
  }

  /** Makes a snapshot at the applied index. */
  snapshot(): void {
    if (this.applied < this.storage.firstIndex()) return;
    this.storage.createSnapshot(this.applied, this.confState, undefined);
  }

  #write(work: Pick<Ready, "entries" | "hardState" | "snapshot">): void {
    if (work.hardState !== undefined) this.storage.setHardState(work.hardState);
    if (work.snapshot !== undefined) {
      this.storage.applySnapshot(work.snapshot);
      this.applied = work.snapshot.index;
      this.confState = work.snapshot.confState;
      this.#confIndex = work.snapshot.index;
      this.#watcher.restored(this.id, work.snapshot);
    }
    this.storage.append(work.entries);
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#watcher.applied(this.id, entry);
      this.applied = entry.index;
      if (entry.type !== "conf-change") continue;
      this.confState = this.raft.applyConfChange(entry.change);
      this.#confIndex = entry.index;
    }
  }

  #respond(responses: readonly Message[]): void {
    for (const message of responses) {
      if (message.to === this.id) this.raft.step(message);
      else this.#watcher.sent(message);
    }
  }
}

/** A stored log whose entries are not always in memory. */
class FlakyStorage extends MemoryStorage implements LogStorage {
  readonly #replica: RandomReplica;
  readonly #pendingPercent: number;
  readonly #source: SeededSource;
  #mustAnswer = false;

  constructor(replica: RandomReplica, pendingPercent: number, source: SeededSource) {
    super();
    this.#replica = replica;
    this.#pendingPercent = pendingPercent;
    this.#source = source;
  }

  /** The next read finds its entries. */
  answerNext(): void {
    this.#mustAnswer = true;
  }

  override initialState(): InitialState {
    const { hardState, configurationIndexes } = super.initialState();
    const { confState } = this.#replica;
    // A storage that keeps no list of configuration entries must do as well.
    const isListed = this.#source.chance(50) && configurationIndexes !== undefined;
    return isListed ? { hardState, confState, configurationIndexes } : { hardState, confState };
  }

  override entries(from: number, to: number, maxBytes: number): ReturnType<LogStorage["entries"]> {
    const mustAnswer = this.#mustAnswer;
    this.#mustAnswer = false;
    if (!mustAnswer && this.#source.chance(this.#pendingPercent)) return "pending";
    return super.entries(from, to, maxBytes);
  }
}
