import { CodedError, type KeyValueStore, type Logger, silentLogger } from "@stratalog/base";
import {
  type Broker,
  type BrokerConfig,
  type Environment,
  loadBrokerConfig,
  startBroker,
} from "@stratalog/broker";
import type { MemoryFileSystem } from "@stratalog/log-store/testing";
import { type SimKernel, type SimNetwork, SimNode, SimPeerLink } from "@stratalog/simulator";

/** Where a broker of a simulation keeps its data. */
export const DATA_DIRECTORY = "/data";

/** What clients reach of a broker, without a transport. */
export type ClientDoor = Parameters<Environment["openClientPort"]>[0];

/** What a broker has on its disks. */
export interface MachineDisk {
  readonly fileSystem: MemoryFileSystem;
  /** Opens `kv/`; rejects as the real adapter would. */
  openKeyValueStore(): Promise<KeyValueStore>;
}

/** Small files, so that a few records fill several of them. */
function configOf(id: number, count: number): BrokerConfig {
  const all = Array.from({ length: count }, (_, at) => `${at + 1}@127.0.0.1:${9_100 + at}`);
  const config = loadBrokerConfig({
    flags: [
      `node.id=${id}`,
      `data.dir=${DATA_DIRECTORY}`,
      ...(count > 1 ? [`seeds=${all.join(",")}`] : []),
      "segment.ms=1000",
      "disk.reserve.bytes=0",
    ],
  });
  const storage = {
    ...config.storage,
    walFileBytes: 6 * 1024,
    flushBytes: 1_024,
    indexIntervalBytes: 512,
    checkpointIntervalMs: 4_000,
  };
  return { ...config, storage, topicDefaults: { ...config.topicDefaults, segmentBytes: 3 * 1024 } };
}

/** One broker as it ships, in one process of a simulated machine. */
export class SimulatedMachine {
  readonly id: number;
  readonly node: SimNode;
  /** Why the process ended, if it did so by itself. */
  failure: string | undefined;
  /** What it said about damage. */
  readonly damage: string[] = [];
  /** Groups that it said are damaged, and when. */
  readonly damagedGroups = new Map<number, number>();
  /** Once `Broker.ready` is. */
  isReady = false;
  door: ClientDoor | undefined;
  readonly #network: SimNetwork;
  readonly #config: BrokerConfig;
  #broker: Broker | undefined;
  #link: SimPeerLink | undefined;

  constructor(options: {
    readonly id: number;
    readonly count: number;
    readonly kernel: SimKernel;
    readonly network: SimNetwork;
  }) {
    this.id = options.id;
    this.node = new SimNode(options.kernel, options.id);
    this.#network = options.network;
    this.#config = configOf(options.id, options.count);
  }

  /** The process begins on a disk. */
  boot(disk: MachineDisk): void {
    this.node.boot();
    startBroker(this.#environment(disk), this.#config).then(
      (broker) => this.#started(broker),
      (error: unknown) => this.#end(messageOf(error)),
    );
  }

  /** Stops cleanly. */
  async stop(): Promise<void> {
    await this.#broker?.stop();
    this.node.crash();
  }

  /** The process is killed. */
  kill(): void {
    this.node.crash();
    void this.#link?.stop();
  }

  #started(broker: Broker): void {
    this.#broker = broker;
    broker.ready.then(
      () => {
        this.isReady = true;
      },
      // It is told by onFatal.
      () => {},
    );
  }

  #end(reason: string): void {
    this.failure ??= reason;
    this.isReady = false;
    this.kill();
  }

  #environment(disk: MachineDisk): Environment {
    const { node } = this;
    const listener = {
      start: () => Promise.resolve(node.id),
      setServing: () => {},
      stop: () => Promise.resolve(),
      connectionCount: 0,
      refusedConnectionCount: 0,
    };
    return {
      clock: node.clock,
      timers: node.timers,
      steadyTime: node,
      random: node.random,
      fileSystem: disk.fileSystem,
      logger: this.#logger(),
      openKeyValueStore: () => disk.openKeyValueStore(),
      openPeerLink: () => {
        this.#link = new SimPeerLink(this.#network, node);
        return this.#link;
      },
      openClientPort: (options) => {
        this.door = options;
        // The budget is a class with private fields, and nobody asks a door without calls for it.
        return { listener } as unknown as ReturnType<Environment["openClientPort"]>;
      },
      openHttpPort: () => ({ start: () => Promise.resolve(0), stop: () => Promise.resolve() }),
      measureProcess: () => () => {},
      onFatal: (reason, error) => this.#end(`${reason}: ${messageOf(error)}`),
    };
  }

  /** Keeps the reasons of what is said about damage. */
  #logger(): Logger {
    const hear = (fields: object): void => {
      if ("reason" in fields && typeof fields.reason === "string") this.damage.push(fields.reason);
      if ("reason" in fields && "group" in fields && typeof fields.group === "number") {
        this.damagedGroups.set(fields.group, this.node.clock.monotonicMs());
      }
      if ("error" in fields && isDamage(fields.error)) this.damage.push(fields.error.message);
    };
    const logger: Logger = { ...silentLogger, warn: hear, error: hear, child: () => logger };
    return logger;
  }
}

function isDamage(error: unknown): error is CodedError {
  return CodedError.is(error) && error.code === "STORAGE_DAMAGED";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
