import type { Timers } from "@stratalog/base";
import type { Message } from "raft-ts";
import type { GroupWrite, LogStorage } from "../ports/log-storage.ts";
import type { HostedGroup } from "./hosted-group.ts";
import type { Outbox } from "./outbox.ts";
import { WriteBatches } from "./write-batches.ts";

/** What the turns of a host need. */
export interface TurnsOptions {
  readonly storage: LogStorage;
  readonly timers: Timers;
  readonly outbox: Outbox;
  /** Whether the group is on this host still. */
  readonly isHere: (group: HostedGroup) => boolean;
  readonly markDirty: (group: HostedGroup) => void;
}

/**
 * Rounds within one turn: applying and answers to oneself cause more work at once; the rest waits a
 * turn.
 */
const PASS_COUNT_MAX = 4;

/**
 * The turns of a host. Whatever happens to a group only marks it as dirty; at the end of the turn
 * of the event loop all dirty groups are drained together: one storage write for all, then one
 * batch per peer and lane for all. What must wait for the disk waits in the completion of that
 * write.
 */
export class Turns {
  readonly #options: TurnsOptions;
  readonly #batches: WriteBatches;
  #dirty = new Set<HostedGroup>();
  #isScheduled = false;
  #count = 0;

  constructor(options: TurnsOptions) {
    this.#options = options;
    this.#batches = new WriteBatches(options.storage, () => this.schedule());
  }

  /** Turns so far in which something was to be done. */
  get count(): number {
    return this.#count;
  }

  /** The group has work: it is drained when this turn ends. */
  add(group: HostedGroup): void {
    this.#dirty.add(group);
    this.schedule();
  }

  /** Something waits in the outbox. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.timers.endOfTurn(() => this.#drain());
  }

  /** Stores commit hints that found no other write to travel with. */
  writeHints(hints: Iterable<readonly [HostedGroup, GroupWrite]>): void {
    for (const [group, hint] of hints) this.#batches.add(group, hint, []);
    this.#batches.write();
  }

  /** A group is gone; its writes that are under way are not. */
  drop(group: HostedGroup): void {
    this.#dirty.delete(group);
  }

  /** Forgets what is to be done. */
  clear(): void {
    this.#dirty.clear();
  }

  /** Before a stop: resolves when no write is under way, or what is left was given up. */
  async settle(): Promise<void> {
    const { storage } = this.#options;
    if (storage.settle === undefined) {
      await this.#batches.whenIdle();
      return;
    }
    await storage.settle();
    this.#batches.giveUp();
  }

  /** Resolves when no write of the group is under way. */
  whenDone(group: HostedGroup): Promise<void> {
    return this.#batches.whenDone(group);
  }

  /** The end of a turn: everything that gathered, for all groups together. */
  #drain(): void {
    this.#isScheduled = false;
    this.#count++;
    for (const { group, responses, isWrite } of this.#batches.takeDurable()) {
      // A group that was removed meanwhile has nobody to tell.
      if (!this.#options.isHere(group)) continue;
      if (isWrite) group.completeWrite();
      this.#respond(group, responses);
    }
    for (let pass = 0; pass < PASS_COUNT_MAX && this.#dirty.size > 0; pass++) this.#pass();
    this.#options.outbox.flush();
    if (this.#dirty.size > 0) this.schedule();
  }

  #pass(): void {
    const groups = this.#dirty;
    this.#dirty = new Set();
    const free: { readonly group: HostedGroup; readonly responses: readonly Message[] }[] = [];
    for (const group of groups) {
      const work = group.collect();
      if (work === undefined) continue;
      if (work.write !== undefined) this.#batches.add(group, work.write, work.responses);
      else if (work.responses.length === 0) continue;
      else if (group.pendingWriteCount > 0) this.#batches.follow(group, work.responses);
      else free.push({ group, responses: work.responses });
    }
    this.#batches.write();
    for (const group of groups) group.finish();
    for (const { group, responses } of free) this.#respond(group, responses);
  }

  #respond(group: HostedGroup, responses: readonly Message[]): void {
    for (const response of responses) group.deliver(response);
    this.#options.markDirty(group);
  }
}
