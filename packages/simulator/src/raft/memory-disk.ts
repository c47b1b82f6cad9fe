import { assert, type GroupNumber } from "@stratalog/base";
import type { GroupWrite, LogStorage, LogView } from "@stratalog/raft-host";
import { type MemoryLog, MemoryLogStorage, plainFrameCodec } from "@stratalog/raft-host/testing";
import type { SimNode } from "../kernel/sim-node.ts";
import type { ReplicaLogs, SimDisk } from "./sim-disk.ts";
import { SnapshotShelf } from "./snapshot-shelf.ts";

/** How a memory disk behaves. */
export interface MemoryDiskOptions {
  /** Time that a sync takes: at least the first, at most the second. */
  readonly syncMs: readonly [minimum: number, maximum: number];
  /** Frames per group that stay in memory. */
  readonly residentCount: number;
  /** A planted fault: writes are reported durable before they are. */
  readonly lies: boolean;
}

/**
 * A disk whose log storage is the simplest there is: what is durable is known exactly at every
 * moment, so that every promise can be held against it.
 */
export class MemoryDisk implements SimDisk {
  readonly node: SimNode;
  readonly codec = plainFrameCodec;
  readonly snapshots: SnapshotShelf;
  readonly #options: MemoryDiskOptions;
  #survivors: ReadonlyMap<GroupNumber, MemoryLog> = new Map();
  #storage: MemoryLogStorage | undefined;
  #waiting: (() => void)[] = [];
  #isSyncing = false;

  constructor(node: SimNode, options: MemoryDiskOptions) {
    this.node = node;
    this.#options = options;
    this.snapshots = new SnapshotShelf(node, () => this.#latency());
  }

  boot(groups: readonly GroupNumber[]): Promise<LogStorage> {
    const storage = new MemoryLogStorage({
      durable: this.#survivors,
      residentCount: this.#options.residentCount,
      afterSync: (sync) => this.#afterSync(sync),
      afterRead: (read) => this.node.schedule(this.#latency(), read),
    });
    this.#storage = storage;
    this.#waiting = [];
    this.#isSyncing = false;
    for (const group of groups) storage.createGroup(group);
    return Promise.resolve(this.#options.lies ? new LyingStorage(storage) : storage);
  }

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

  dropPrefix(group: GroupNumber, index: number): void {
    const storage = this.#storage;
    // Only where both the process and the disk have it.
    if (storage?.visibleLog(group).frame(index) === undefined) return;
    if (storage.durableLog(group).frame(index) === undefined) return;
    storage.dropPrefix(group, index);
  }

  hasDurable(group: GroupNumber, index: number, term: number): boolean {
    const stored = this.snapshots.get(group);
    if (stored !== undefined && stored.index >= index) return true;
    const found = this.logs(group)?.durable?.term(index);
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
