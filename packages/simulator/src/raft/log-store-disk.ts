import { type GroupNumber, present, silentLogger } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { frameCodec, type GroupLog, LogStore } from "@stratalog/log-store";
import { MemoryFileSystem } from "@stratalog/log-store/testing";
import type { LogStorage } from "@stratalog/raft-host";
import type { SimNode } from "../kernel/sim-node.ts";
import type { ReplicaLogs, SimDisk } from "./sim-disk.ts";
import { SnapshotShelf } from "./snapshot-shelf.ts";
import { Violation } from "./violation.ts";

/** How a log store's disk behaves. */
export interface LogStoreDiskOptions {
  /** Time that a call takes: at least the first, at most the second. */
  readonly latencyMs: readonly [minimum: number, maximum: number];
  /** tiny: everything rolls, flushes and is read from disk all the time. */
  readonly sizes: "tiny" | "usual";
}

const DIRECTORY = "/data";
const SLOW_CALLS: ReadonlySet<string> = new Set(["dataSync", "syncDirectory", "write", "read"]);
const KIB = 1024;
const TINY = {
  walFileBytes: 16 * KIB,
  segmentBytes: 2 * KIB,
  tailCacheBytes: 4 * KIB,
  flushBytes: 500,
  flushMs: 50,
  indexIntervalBytes: 300,
  checkpointIntervalMs: 700,
};
const USUAL = { walFileBytes: 256 * KIB, checkpointIntervalMs: 5000 };

/**
 * A disk with the log store that ships, on a file system in memory. A crash of the machine is a
 * killed process or a power cut; what a power cut leaves of unsynced sectors and names is drawn.
 */
export class LogStoreDisk implements SimDisk {
  readonly node: SimNode;
  readonly codec = frameCodec;
  readonly snapshots: SnapshotShelf;
  readonly #options: LogStoreDiskOptions;
  #fileSystem = new MemoryFileSystem();
  #keyValue = new MemoryKeyValueStore();
  #store: LogStore | undefined;

  constructor(node: SimNode, options: LogStoreDiskOptions) {
    this.node = node;
    this.#options = options;
    this.snapshots = new SnapshotShelf(node, () => this.#latency());
  }

  async boot(groups: readonly GroupNumber[]): Promise<LogStorage> {
    const { life } = this.node;
    this.#fileSystem.observer = ({ operation }) => {
      if (SLOW_CALLS.has(operation)) return this.#wait();
    };
    await this.#fileSystem.makeDirectory(DIRECTORY);
    await this.#fileSystem.syncDirectory("/");
    const store = await LogStore.open({
      fileSystem: this.#fileSystem,
      keyValue: this.#keyValue,
      clock: this.node.clock,
      timers: this.node.timers,
      logger: silentLogger,
      directory: DIRECTORY,
      onFatal: (error) => {
        if (this.node.life === life && this.node.state !== "down") throw error;
      },
      ...(this.#options.sizes === "tiny" ? TINY : USUAL),
    });
    for (const { group, state, reason } of store.groups()) {
      if (state === "ready") continue;
      throw new Violation(`a crash damages no log: group ${group} at ${this.node.id}: ${reason}`);
    }
    for (const group of groups) {
      await store.createGroup({ group, kind: "partition", replicaEpoch: 0 });
    }
    if (this.node.life === life) this.#store = store;
    return store;
  }

  crash(): void {
    const { random } = this.node;
    const old = this.#fileSystem;
    const isPowerCut = random.below(2) === 0;
    const keep = present([0, 0.5, 1][random.below(3)], "survival");
    this.#fileSystem = isPowerCut ? old.afterPowerCut({ random, keep }) : old.afterKill();
    old.die();
    const { unsyncedCount } = this.#keyValue;
    const survivors = isPowerCut ? random.below(unsyncedCount + 1) : unsyncedCount;
    this.#keyValue = this.#keyValue.crash(survivors);
    this.#store = undefined;
  }

  logs(group: GroupNumber): ReplicaLogs | undefined {
    const visible = this.#log(group);
    return visible === undefined ? undefined : { visible, durable: undefined };
  }

  dropPrefix(group: GroupNumber, index: number): void {
    this.#log(group)?.dropPrefix(index);
  }

  hasDurable(): undefined {}

  #log(group: GroupNumber): GroupLog | undefined {
    return this.#store?.group(group);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.node.schedule(this.#latency(), resolve);
    });
  }

  #latency(): number {
    const [minimum, maximum] = this.#options.latencyMs;
    return minimum + this.node.random.fraction() * (maximum - minimum);
  }
}
