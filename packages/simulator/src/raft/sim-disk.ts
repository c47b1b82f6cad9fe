import { assert, type GroupNumber } from "@stratalog/base";
import type { GroupWrite, LogStorage, LogView } from "@stratalog/raft-host";
import { type MemoryLog, MemoryLogStorage } from "@stratalog/raft-host/testing";
import type { SimNode } from "../kernel/sim-node.ts";
import type { MachineState } from "./sim-machine.ts";
import type { ReplicaLogs } from "./wire-rules.ts";

/** A state machine's stored snapshot. */
export interface StoredSnapshot extends MachineState {
  readonly term: number;
}

/** How a simulated disk behaves. */
export interface SimDiskOptions {
  /** Time that a sync takes: at least the first, at most the second. */
  readonly syncMs: readonly [minimum: number, maximum: number];
  /** Frames per group that stay in memory. */
  readonly residentCount: number;
  /** A planted fault: writes are reported durable before they are. */
  readonly lies: boolean;
}

/** One machine's disk: survives crashes of its process, but not what was not synced. */
export class SimDisk {
  readonly node: SimNode;
  readonly snapshots = new Map<GroupNumber, StoredSnapshot>();
  readonly #options: SimDiskOptions;
  #survivors: ReadonlyMap<GroupNumber, MemoryLog> = new Map();
  #storage: MemoryLogStorage | undefined;
  #waiting: (() => void)[] = [];
  #isSyncing = false;

  constructor(node: SimNode, options: SimDiskOptions) {
    this.node = node;
    this.#options = options;
  }

  /** The storage of a new process on what the last one left. */
  boot(): LogStorage {
    const storage = new MemoryLogStorage({
      durable: this.#survivors,
      residentCount: this.#options.residentCount,
      afterSync: (sync) => this.#afterSync(sync),
      afterRead: (read) => this.node.schedule(this.#latency(), read),
    });
    this.#storage = storage;
    this.#waiting = [];
    this.#isSyncing = false;
    return this.#options.lies ? new LyingStorage(storage) : storage;
  }

  createGroup(group: GroupNumber): void {
    this.#storage?.createGroup(group);
  }

  /** The process ends; some of the writes that were under way may have made it. */
  crash(): void {
    const storage = this.#storage;
    if (storage === undefined) return;
    this.#survivors = storage.crash(this.node.random.below(storage.pendingCount + 1));
    this.#storage = undefined;
  }

  logs(group: GroupNumber): ReplicaLogs | undefined {
    const storage = this.#storage;
    if (storage !== undefined) {
      return { visible: storage.visibleLog(group), durable: storage.durableLog(group) };
    }
    const durable = this.#survivors.get(group);
    return durable === undefined ? undefined : { visible: durable, durable };
  }

  /** Stores a snapshot; `done` runs once it is safe. */
  storeSnapshot(group: GroupNumber, snapshot: StoredSnapshot, done: () => void): void {
    this.node.schedule(this.#latency(), () => {
      const stored = this.snapshots.get(group);
      if (stored === undefined || stored.index < snapshot.index)
        this.snapshots.set(group, snapshot);
      done();
    });
  }

  /** Drops a group's log up to `index` where both the process and the disk have it. */
  dropPrefix(group: GroupNumber, index: number): void {
    const logs = this.logs(group);
    if (logs?.visible.frame(index) === undefined || logs.durable.frame(index) === undefined) return;
    this.#storage?.dropPrefix(group, index);
  }

  /** Whether a crash of everything at this moment would leave the entry here. */
  hasDurable(group: GroupNumber, index: number, term: number): boolean {
    const stored = this.snapshots.get(group);
    if (stored !== undefined && stored.index >= index) return true;
    const found = this.logs(group)?.durable.term(index);
    return found === term || found === "compacted";
  }

  /** Group commit: one sync at a time, for everything that was written before it began. */
  #afterSync(sync: () => void): void {
    this.#waiting.push(sync);
    if (this.#waiting.length === 1 && !this.#isSyncing) this.#beginSync();
  }

  #beginSync(): void {
    const syncs = this.#waiting;
    this.#waiting = [];
    this.#isSyncing = true;
    this.node.schedule(this.#latency(), () => {
      this.#isSyncing = false;
      for (const sync of syncs) sync();
      if (this.#waiting.length > 0) this.#beginSync();
    });
  }

  #latency(): number {
    const [minimum, maximum] = this.#options.syncMs;
    return minimum + this.node.random.fraction() * (maximum - minimum);
  }
}

/** The planted fault: says "durable" as soon as it was asked to write. */
class LyingStorage implements LogStorage {
  readonly #storage: MemoryLogStorage;

  constructor(storage: MemoryLogStorage) {
    this.#storage = storage;
  }

  write(writes: readonly GroupWrite[], onDurable: () => void): void {
    assert(writes.length > 0, "an empty write");
    this.#storage.write(writes, () => {});
    onDurable();
  }

  view(group: GroupNumber): LogView {
    return this.#storage.view(group);
  }
}
