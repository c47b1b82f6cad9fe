import { assert } from "@stratalog/base";
import type { Message } from "raft-ts";
import type { GroupWrite, LogStorage } from "../ports/log-storage.ts";
import type { HostedGroup } from "./hosted-group.ts";

/** What may happen now for one group, because its write is durable. */
export interface DurableWork {
  readonly group: HostedGroup;
  readonly responses: readonly Message[];
  /** False for responses that only waited for the group's earlier writes. */
  readonly isWrite: boolean;
}

/**
 * The storage writes of a host: all groups' writes of one turn go out as one, several may be under
 * way, and they complete in order. Completions gather until the host takes them at the end of its
 * turn.
 */
export class WriteBatches {
  readonly #storage: LogStorage;
  readonly #onDurable: () => void;
  #writes: GroupWrite[] = [];
  #works: DurableWork[] = [];
  readonly #underWay: DurableWork[][] = [];
  #durable: DurableWork[] = [];
  #waiters: { readonly isDone: () => boolean; readonly resolve: () => void }[] = [];

  constructor(storage: LogStorage, onDurable: () => void) {
    this.#storage = storage;
    this.#onDurable = onDurable;
  }

  /** Adds a group's write to the next batch. */
  add(group: HostedGroup, write: GroupWrite, responses: readonly Message[]): void {
    this.#writes.push(write);
    this.#works.push({ group, responses, isWrite: true });
  }

  /** Makes responses wait for the writes of their group that are under way. */
  follow(group: HostedGroup, responses: readonly Message[]): void {
    // The last batch may hold no write of this group, but it completes no earlier than the one that
    // does.
    const last = this.#underWay[this.#underWay.length - 1] ?? this.#durable;
    last.push({ group, responses, isWrite: false });
    if (last === this.#durable) this.#onDurable();
  }

  /** Hands the batch to the storage. */
  write(): void {
    if (this.#writes.length === 0) return;
    const [writes, works] = [this.#writes, this.#works];
    this.#writes = [];
    this.#works = [];
    this.#underWay.push(works);
    this.#storage.write(writes, () => {
      const first = this.#underWay.shift();
      assert(first === works, "storage completed writes out of order");
      this.#durable.push(...works);
      this.#onDurable();
      this.#wake();
    });
  }

  /** What has become durable since the last call. */
  takeDurable(): readonly DurableWork[] {
    const durable = this.#durable;
    this.#durable = [];
    return durable;
  }

  /** What is under way was given up: nobody waits for it any more. */
  giveUp(): void {
    this.#underWay.length = 0;
    this.#wake();
  }

  /** Resolves when no write is under way. */
  whenIdle(): Promise<void> {
    return this.#when(() => this.#underWay.length === 0);
  }

  /** Resolves when no write of the group is under way. */
  whenDone(group: HostedGroup): Promise<void> {
    return this.#when(() => !this.#underWay.some((works) => works.some((w) => w.group === group)));
  }

  #when(isDone: () => boolean): Promise<void> {
    if (isDone()) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.push({ isDone, resolve });
    });
  }

  #wake(): void {
    const done = this.#waiters.filter(({ isDone }) => isDone());
    this.#waiters = this.#waiters.filter((waiter) => !done.includes(waiter));
    for (const { resolve } of done) resolve();
  }
}
