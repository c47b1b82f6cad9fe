/**
 * A counter on three replicas in one process: the leader stops, and nothing that was counted is
 * lost. `npx tsx -C @stratalog/source packages/raft-ts/examples/counter.ts`
 */
import { pathToFileURL } from "node:url";
import { MemoryStorage, type Message, RaftNode } from "raft-ts";

const IDS = [1, 2, 3];

/** One replica: Raft, its disk, and the state machine, which is a number. */
class Replica {
  readonly storage = MemoryStorage.withVoters(IDS);
  readonly raft: RaftNode;
  count = 0;

  constructor(id: number) {
    const random = (bound: number): number => (id * 7) % bound;
    this.raft = new RaftNode({ id, storage: this.storage, random });
  }

  /** The loop: write, send, apply, advance. */
  work(send: (message: Message) => void): void {
    while (this.raft.hasReady()) {
      const ready = this.raft.ready();
      if (ready.snapshot !== undefined) this.storage.applySnapshot(ready.snapshot);
      this.storage.append(ready.entries);
      if (ready.hardState !== undefined) this.storage.setHardState(ready.hardState);
      ready.messages.forEach(send);
      for (const entry of ready.committedEntries) {
        if (entry.type === "conf-change") this.raft.applyConfChange(entry.change);
        else if (entry.data instanceof Uint8Array) this.count += entry.data[0] ?? 0;
      }
      this.raft.advance(ready);
    }
  }
}

/** Replicas that run, and the messages between them. */
class Group {
  readonly running = new Map(IDS.map((id) => [id, new Replica(id)]));

  /** Lets time pass until `isDone`. */
  runUntil(isDone: () => boolean): void {
    for (let tick = 0; !isDone(); tick++) {
      if (tick > 1000) throw new Error("the group makes no progress");
      for (const { raft } of this.running.values()) raft.tick();
      for (let round = 0; round < 10; round++) {
        for (const replica of this.running.values()) {
          replica.work((message) => this.running.get(message.to)?.raft.step(message));
        }
      }
    }
  }

  get leader(): Replica | undefined {
    return [...this.running.values()].find(({ raft }) => raft.role === "leader");
  }
}

/** Counts to ten over two leaders; the counts of the replicas that are left. */
export function runCounter(): readonly number[] {
  const group = new Group();
  for (let i = 1; i <= 10; i++) {
    group.runUntil(() => group.leader !== undefined);
    group.leader?.raft.propose(Uint8Array.of(1));
    group.runUntil(() => [...group.running.values()].every(({ count }) => count === i));
    if (i === 5 && group.leader !== undefined) group.running.delete(group.leader.raft.id);
  }
  return [...group.running.values()].map(({ count }) => count);
}

const isMain = import.meta.url === pathToFileURL(process.argv[1] ?? "").href;
if (isMain) process.stdout.write(`${runCounter().join(" ")}\n`);
