import type { ConfState, Entry, Snapshot, StorageApplyMessage } from "raft-ts";
import type { SimNode } from "../kernel/sim-node.ts";
import type { CoreDisk } from "./core-disk.ts";
import { FoldedState } from "./core-log.ts";

/** What an application lives on. */
export interface CoreApplicationWorld {
  readonly node: SimNode;
  readonly disk: CoreDisk;
  readonly latencyMs: () => number;
  /** An entry is applied: the rules look at it, and the core is told of a configuration. */
  readonly onApplied: (entry: Entry) => ConfState | undefined;
  /** Entries were applied, and whatever must be durable for that is. */
  readonly onAnswer: (work: StorageApplyMessage) => void;
}

/** Extends a digest by one entry. */
export function digestEntry(digest: number, entry: Entry): number {
  return Math.imul(Math.imul(digest ^ entry.index, 0x01000193) ^ entry.term, 0x01000193);
}

/**
 * The state machine of one replica and the worker that feeds it. Its state is in memory; a
 * checkpoint is stored now and then, and always before a change of the configuration counts as
 * applied.
 */
export class CoreApplication {
  readonly #world: CoreApplicationWorld;
  index: number;
  term: number;
  digest: number;
  confState: ConfState;
  #queue: StorageApplyMessage[] = [];

  /** Begins with what the disk has. */
  constructor(world: CoreApplicationWorld) {
    this.#world = world;
    const { checkpoint } = world.disk.durable;
    this.index = checkpoint.index;
    this.term = checkpoint.term;
    this.confState = checkpoint.confState;
    this.digest = digestOf(checkpoint);
  }

  /** Takes entries to apply. */
  hand(work: StorageApplyMessage): void {
    this.#queue.push(work);
    if (this.#queue.length === 1) this.#scheduleNext();
  }

  /** A snapshot was written: it is the state now. */
  restore(snapshot: Snapshot): void {
    this.index = snapshot.index;
    this.term = snapshot.term;
    this.confState = snapshot.confState;
    this.digest = digestOf(snapshot);
  }

  /** The state of now, as a checkpoint or a snapshot. */
  capture(): Snapshot {
    const { index, term, confState, digest } = this;
    return { index, term, confState, data: new FoldedState(digest) };
  }

  #scheduleNext(): void {
    const { node, disk, latencyMs } = this.#world;
    node.schedule(latencyMs(), () => {
      const work = this.#queue[0];
      if (work === undefined) return;
      const isChanged = this.#apply(work.entries);
      if (isChanged) disk.save(this.capture(), () => this.#answer(work));
      else node.schedule(latencyMs(), () => this.#answer(work));
    });
  }

  #answer(work: StorageApplyMessage): void {
    this.#queue.shift();
    this.#world.onAnswer(work);
    if (this.#queue.length > 0) this.#scheduleNext();
  }

  /** Whether the configuration changed. */
  #apply(entries: readonly Entry[]): boolean {
    let isChanged = false;
    for (const entry of entries) {
      const confState = this.#world.onApplied(entry);
      this.index = entry.index;
      this.term = entry.term;
      this.digest = digestEntry(this.digest, entry);
      if (confState === undefined) continue;
      this.confState = confState;
      isChanged = true;
    }
    return isChanged;
  }
}

/** The digest inside a checkpoint or a snapshot. */
export function digestOf({ data }: Snapshot): number {
  return data instanceof FoldedState ? data.digest : -1;
}
