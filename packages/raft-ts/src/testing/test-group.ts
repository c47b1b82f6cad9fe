import type { Message } from "../core/messages.ts";
import type { RaftOptions } from "../core/options.ts";
import { RaftNode } from "../core/raft-node.ts";
import type { Ready } from "../core/ready.ts";
import type { Entry, ReplicaId } from "../core/types.ts";
import { MemoryStorage } from "../memory/memory-storage.ts";

/** What a test may set for all replicas of a group. */
export type TestGroupOptions = Partial<Omit<RaftOptions, "id" | "random">>;

/** One replica of a test, in synchronous mode. */
export interface TestReplica {
  readonly raft: RaftNode;
  readonly storage: MemoryStorage;
  readonly applied: Entry[];
  readonly readies: Ready[];
}

/** Replicas 1 to `size` in one process, whose messages arrive unless the test loses them. */
export class TestGroup {
  readonly replicas = new Map<ReplicaId, TestReplica>();
  readonly messages: Message[] = [];
  /** Messages for which it is true are lost. */
  loses: (message: Message) => boolean = () => false;

  constructor(size: number, options: TestGroupOptions = {}) {
    const ids = Array.from({ length: size }, (_, position) => position + 1);
    for (const id of ids) {
      const storage = MemoryStorage.withVoters(ids);
      const raft = new RaftNode({ storage, ...options, id, random: () => 0 });
      this.replicas.set(id, { raft, storage, applied: [], readies: [] });
    }
  }

  at(id: ReplicaId): TestReplica {
    const replica = this.replicas.get(id);
    if (replica === undefined) throw new Error(`no replica ${id}`);
    return replica;
  }

  node(id: ReplicaId): RaftNode {
    return this.at(id).raft;
  }

  /** Makes `id` the leader, and everyone know it. */
  elect(id: ReplicaId): RaftNode {
    this.node(id).campaign();
    this.settle();
    return this.node(id);
  }

  /** Does all that can be done without a tick. */
  settle(): void {
    for (let round = 0; round < 1000; round++) {
      let isActive = false;
      for (const id of this.replicas.keys()) isActive = this.work(id) || isActive;
      const messages = this.messages.splice(0);
      for (const message of messages) {
        if (!this.loses(message)) this.replicas.get(message.to)?.raft.step(message);
      }
      if (!isActive && messages.length === 0) return;
    }
    throw new Error("the group never comes to rest");
  }

  /** Takes one Ready of a replica and does what it asks for. */
  work(id: ReplicaId): boolean {
    const { raft, storage, applied, readies } = this.at(id);
    if (!raft.hasReady()) return false;
    const ready = raft.ready();
    readies.push(ready);
    if (ready.snapshot !== undefined) storage.applySnapshot(ready.snapshot);
    storage.append(ready.entries);
    if (ready.hardState !== undefined) storage.setHardState(ready.hardState);
    this.messages.push(...ready.messages);
    for (const entry of ready.committedEntries) {
      applied.push(entry);
      if (entry.type === "conf-change") raft.applyConfChange(entry.change);
    }
    raft.advance(ready);
    return true;
  }

  tick(id: ReplicaId, count: number): void {
    for (let i = 0; i < count; i++) this.node(id).tick();
  }
}
