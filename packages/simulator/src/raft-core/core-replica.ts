import { type Random } from "@stratalog/base";
import {
  type ConfState,
  type Entry,
  type Message,
  RaftNode,
  type ReplicaId,
  type StorageAppendMessage,
} from "raft-ts";
import { SimNode } from "../kernel/sim-node.ts";
import { CoreApplication } from "./core-application.ts";
import { CoreDisk } from "./core-disk.ts";
import type { CoreGroup } from "./core-group.ts";
import { CoreStorage } from "./core-storage.ts";

/** One want in so many is forgotten. */
const UNSERVED_ONE_IN = 20;

/** What the rules remember of a replica. */
export interface Seen {
  term: number;
  commit: number;
  /** The term that it was last seen to lead; 0 for none. */
  leadsTerm: number;
  /** Whether its log was checked since. */
  isComplete: boolean;
}

/**
 * One machine with a core, its disk and its state machine. Inputs are followed by a turn after a
 * moment, so that several may gather in one Ready.
 */
export class CoreReplica {
  readonly id: ReplicaId;
  readonly node: SimNode;
  readonly disk: CoreDisk;
  readonly seen: Seen = { term: 0, commit: 0, leadsTerm: 0, isComplete: false };
  readonly #group: CoreGroup;
  readonly #random: Random;
  /** How its clock runs, compared with the others'. */
  readonly #pace: number;
  application: CoreApplication;
  raft: RaftNode;
  #storage: CoreStorage;
  #isTurnDue = false;

  /** A machine with an empty disk, running, of a group that begins with this configuration. */
  constructor(group: CoreGroup, id: ReplicaId, confState: ConfState) {
    this.id = id;
    this.#group = group;
    this.node = new SimNode(group.kernel, id);
    this.#random = group.kernel.random.fork(`replica ${id}`);
    this.#pace = 0.95 + this.#random.fraction() / 10;
    this.disk = new CoreDisk(this.node, confState, {
      mutant: group.mutant,
      random: this.#random,
      latencyMs: () => this.#latencyMs(),
      onWritten: (work) => this.#handleWritten(work),
      onAnswer: (work) => this.#deliver(work.responses),
    });
    this.node.boot();
    this.#storage = this.#createStorage();
    this.application = this.#createApplication();
    this.raft = this.#createNode();
    this.#scheduleTick();
  }

  get isUp(): boolean {
    return this.node.state !== "down";
  }

  /** A new process on what the disk has. */
  boot(): void {
    if (this.isUp) return;
    this.#group.note("boot", "", [this.id]);
    this.node.boot();
    this.#isTurnDue = false;
    this.#storage = this.#createStorage();
    this.application = this.#createApplication();
    this.raft = this.#createNode();
    Object.assign(this.seen, { term: this.raft.term, commit: this.raft.commitIndex, leadsTerm: 0 });
    this.#scheduleTick();
  }

  crash(): void {
    if (!this.isUp) return;
    this.#group.note("crash", "", [this.id]);
    this.node.crash();
    this.disk.crash(this.#random);
  }

  /** An input to the core, unless the process is down or stands still. */
  input(act: (raft: RaftNode) => void): void {
    if (this.node.state !== "running") return;
    act(this.raft);
    this.#after();
  }

  /** A message arrived; a process that stands still takes it later. */
  receive(message: Message): void {
    this.node.scheduleNow(() => this.input((raft) => raft.step(message)));
  }

  #after(): void {
    this.#group.rules.observe(this);
    if (this.#isTurnDue || !this.raft.hasReady()) return;
    this.#isTurnDue = true;
    this.node.schedule(this.#random.fraction() * this.#group.shape.turnMs, () => this.#takeTurn());
  }

  #takeTurn(): void {
    this.#isTurnDue = false;
    const { rules } = this.#group;
    if (!this.raft.hasReady()) return;
    const ready = this.raft.ready();
    for (const message of ready.messages) {
      if (message.type === "storage-append") {
        rules.handOut(this, message);
        this.disk.hand(message);
      } else if (message.type === "storage-apply") {
        this.application.hand(message);
      } else {
        rules.checkPromise(this, message);
        this.#group.send(message);
      }
    }
    for (const want of ready.wants) {
      // One that is never served is asked again.
      if (this.#random.below(UNSERVED_ONE_IN) === 0) continue;
      this.node.schedule(this.#latencyMs() * 2, () => {
        this.#storage.fetch(want);
        this.input((raft) => raft.entriesAvailable(want.for));
      });
    }
    for (const read of ready.readStates) rules.answerRead(read);
    rules.settle(this);
    this.#after();
  }

  /** Answers of the disk: for this replica, and for others. */
  #deliver(responses: readonly Message[]): void {
    for (const message of responses) {
      this.#group.rules.checkPromise(this, message);
      if (message.to === this.id) this.input((raft) => raft.step(message));
      else this.#group.send(message);
    }
  }

  #handleWritten({ snapshot }: StorageAppendMessage): void {
    if (snapshot === undefined) return;
    this.#group.note("restore", "", [this.id, snapshot.index]);
    this.#group.rules.restore(this, snapshot);
    this.application.restore(snapshot);
  }

  #handleApplied(entry: Entry): ConfState | undefined {
    const { rules, ledger } = this.#group;
    rules.apply(this, entry);
    this.#group.note("apply", entry.type, [this.id, entry.index, entry.term]);
    if (entry.type === "normal") return undefined;
    const confState = this.raft.applyConfChange(entry.change);
    ledger.reconfigure(this.id, entry.index, confState);
    return confState;
  }

  #createStorage(): CoreStorage {
    return new CoreStorage(this.disk, this.#random, this.#group.shape.residentCount);
  }

  #createApplication(): CoreApplication {
    return new CoreApplication({
      node: this.node,
      disk: this.disk,
      latencyMs: () => this.#latencyMs(),
      onApplied: (entry) => this.#handleApplied(entry),
      onAnswer: (work) => {
        this.#deliver(work.responses);
        this.#after();
      },
    });
  }

  #createNode(): RaftNode {
    const random = this.node.random.fork("raft");
    return new RaftNode({
      ...this.#group.shape.raft,
      id: this.id,
      storage: this.#storage,
      applied: this.application.index,
      asyncStorageWrites: true,
      random: (bound) => random.below(bound),
    });
  }

  #scheduleTick(): void {
    this.node.schedule(this.#group.shape.tickMs * this.#pace, () => {
      this.input((raft) => raft.tick());
      this.#scheduleTick();
    });
  }

  #latencyMs(): number {
    const { least, most } = this.#group.diskLatencyMs;
    return least + this.#random.fraction() * (most - least);
  }
}
