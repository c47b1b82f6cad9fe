import type { Random } from "@stratalog/base";
import type { ConfState, Snapshot, StorageAppendMessage } from "raft-ts";
import type { SimNode } from "../kernel/sim-node.ts";
import { CoreLog, partCountOf } from "./core-log.ts";

/** A planted fault: answers before the sync, or a crash that loses what was synced last. */
export type DiskMutant = "lying-disk" | "forgetful-disk";

/** How a disk behaves, and who is told what it did. */
export interface CoreDiskWorld {
  readonly mutant: DiskMutant | undefined;
  /** How much of what waits is done at once. */
  readonly random: Random;
  /** Time until a write begins, a sync ends, or an answer is given; drawn anew each time. */
  readonly latencyMs: () => number;
  /** Something was written: reads see it, a crash may lose it. */
  readonly onWritten: (work: StorageAppendMessage) => void;
  /** Something is durable, and its answers are due. */
  readonly onAnswer: (work: StorageAppendMessage) => void;
}

/**
 * The disk of one replica. A write passes through three states, each after a while: handed out,
 * written, durable; its answers are given some time after that, always in order. A crash keeps what
 * is durable and, of what was written since, any beginning.
 */
export class CoreDisk {
  readonly #node: SimNode;
  readonly #world: CoreDiskWorld;
  /** The log as the core last described it; nothing reads it but the rules. */
  handed: CoreLog;
  written: CoreLog;
  durable: CoreLog;
  #toWrite: StorageAppendMessage[] = [];
  #unsynced: StorageAppendMessage[] = [];
  #toAnswer: StorageAppendMessage[] = [];
  #isSyncing = false;
  /** What was durable before the last sync. */
  #beforeSync: CoreLog | undefined;

  constructor(node: SimNode, confState: ConfState, world: CoreDiskWorld) {
    this.#node = node;
    this.#world = world;
    this.durable = new CoreLog(confState);
    this.written = this.durable.copy();
    this.handed = this.durable.copy();
  }

  /** Takes a write of this life of the process. */
  hand(work: StorageAppendMessage): void {
    this.handed.write(work);
    this.#toWrite.push(work);
    if (this.#toWrite.length === 1) this.#scheduleWrite();
  }

  /** Makes a checkpoint durable; `done` runs then. A later one is never replaced. */
  save(checkpoint: Snapshot, done: () => void): void {
    this.#node.schedule(this.#world.latencyMs(), () => {
      for (const log of [this.written, this.durable]) {
        if (log.checkpoint.index < checkpoint.index) log.checkpoint = checkpoint;
      }
      done();
    });
  }

  /** Drops the log through `index`, as far as the durable checkpoint covers it. */
  compact(index: number): void {
    const target = Math.min(index, this.durable.checkpoint.index);
    this.handed.compact(target);
    this.written.compact(target);
    this.durable.compact(target);
  }

  /** The process ended. */
  crash(random: Random): void {
    if (this.#beforeSync !== undefined) this.durable = this.#beforeSync.copy();
    const parts = this.#unsynced.reduce((sum, work) => sum + partCountOf(work), 0);
    let surviving = random.below(3) === 0 ? parts : random.below(parts + 1);
    for (const work of this.#unsynced) {
      this.durable.write(work, surviving);
      const isTorn = surviving < partCountOf(work);
      surviving = Math.max(0, surviving - partCountOf(work));
      if (!isTorn) continue;
      // Nothing was promised on it, so its hard state may have made it where its entries have not.
      if (random.below(4) === 0) this.durable.hardState = work.hardState ?? this.durable.hardState;
      break;
    }
    this.written = this.durable.copy();
    this.handed = this.durable.copy();
    this.#toWrite = [];
    this.#unsynced = [];
    this.#toAnswer = [];
    this.#isSyncing = false;
  }

  /** The oldest of what waits, or more of it: a disk that is behind works in larger strokes. */
  #take(waiting: StorageAppendMessage[]): readonly StorageAppendMessage[] {
    return waiting.splice(0, 1 + this.#world.random.below(Math.max(1, waiting.length)));
  }

  #scheduleWrite(): void {
    this.#node.schedule(this.#world.latencyMs(), () => {
      for (const work of this.#take(this.#toWrite)) {
        this.written.write(work);
        this.#unsynced.push(work);
        this.#world.onWritten(work);
        if (this.#world.mutant === "lying-disk") this.#world.onAnswer(work);
      }
      this.#maybeSync();
      if (this.#toWrite.length > 0) this.#scheduleWrite();
    });
  }

  /** One sync at a time, for what was written before it began. Nothing waits: no sync. */
  #maybeSync(): void {
    if (this.#isSyncing || !this.#unsynced.some((work) => work.responses.length > 0)) return;
    this.#isSyncing = true;
    const count = this.#unsynced.length;
    this.#node.schedule(this.#world.latencyMs(), () => {
      this.#isSyncing = false;
      const synced = this.#unsynced.splice(0, count);
      if (this.#world.mutant === "forgetful-disk") this.#beforeSync = this.durable.copy();
      for (const work of synced) this.durable.write(work);
      if (this.#world.mutant === "lying-disk") return;
      if (this.#toAnswer.length === 0) this.#scheduleAnswer();
      this.#toAnswer.push(...synced);
      this.#maybeSync();
    });
  }

  #scheduleAnswer(): void {
    this.#node.schedule(this.#world.latencyMs(), () => {
      for (const work of this.#take(this.#toAnswer)) this.#world.onAnswer(work);
      if (this.#toAnswer.length > 0) this.#scheduleAnswer();
    });
  }
}
