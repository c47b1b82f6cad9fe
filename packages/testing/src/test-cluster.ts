import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CodedError, machineTime, silentLogger, type Time } from "@stratalog/base";
import { type Broker, loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { type ConnectOptions, connect, type Stratalog } from "@stratalog/client";
import { BrokerLife } from "./broker-life.ts";
import { freePorts, LOOPBACK } from "./free-ports.ts";
import { DirectoryDisk, MemoryDisk, type TestDisk } from "./test-disk.ts";
import { VirtualTime } from "./virtual-time.ts";

/** How a test cluster is made. */
export interface TestClusterOptions {
  /** Number of brokers. Default 1, the quickest; 3 for what fail-over does to your code. */
  readonly brokers?: 1 | 3;
  /**
   * Where brokers keep their data: "memory" (default), or "directory", a temporary one that goes
   * with the cluster.
   */
  readonly storage?: "memory" | "directory";
  /**
   * What the brokers' state goes by: timestamps that a broker or a client of
   * {@link TestCluster.connect} gives, retention, session and rebalance timeouts of group members,
   * the expiry of offsets and of producers. "real" (default) is the machine's time; "virtual" goes
   * on as the machine's does, and by days at once with {@link TestCluster.advance}. Elections,
   * sockets, disks and the timers of clients keep to the machine's time either way.
   */
  readonly clock?: "real" | "virtual";
  /** More broker settings under their outside names, for example `{ "num.partitions": 4 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/**
 * Small files: a test sees rolls and checkpoints soon, and a start does not fill large ones. Long
 * patience: all brokers share one event loop, which a test or a busy machine may hold up, and each
 * would take the others for dead. A broker that is stopped or killed is noticed by its closed
 * connections, however long that is.
 */
const TEST_SETTINGS: Readonly<Record<string, string | number>> = {
  "wal.file.bytes": 1024 * 1024,
  "tail.cache.bytes": 16 * 1024 * 1024,
  "raft.heartbeat.ms": 500,
  "raft.election.ms": 6_000,
  "broker.session.timeout.ms": 30_000,
};
/** Ports are found before they are used: somebody else may take one in between. */
const START_ATTEMPTS = 3;

interface RunningBroker {
  readonly broker: Broker;
  readonly life: BrokerLife;
}

/**
 * Brokers in this process, on free ports of loopback, with data in memory or in a temporary
 * directory. Made by {@link startTestCluster}.
 *
 * `await using cluster = await startTestCluster({ brokers: 3 });`
 */
export class TestCluster implements AsyncDisposable {
  readonly #directory: string;
  readonly #storage: "memory" | "directory";
  readonly #flags: readonly (readonly string[])[];
  readonly #running = new Map<number, RunningBroker>();
  readonly #disks = new Map<number, TestDisk>();
  /** Stops and kills under way; a start of the same broker waits for it. */
  readonly #stopping = new Map<number, Promise<void>>();
  readonly #ports = new Map<number, number>();
  readonly #time: Time | VirtualTime;

  /** @internal Use {@link startTestCluster}. */
  constructor(options: {
    readonly directory: string;
    readonly storage: "memory" | "directory";
    readonly flags: readonly (readonly string[])[];
    readonly clock: "real" | "virtual";
  }) {
    this.#directory = options.directory;
    this.#storage = options.storage;
    this.#flags = options.flags;
    this.#time = options.clock === "virtual" ? new VirtualTime() : machineTime;
  }

  /** Client addresses of the brokers that run, "host:port". */
  get addresses(): string[] {
    return this.brokerIds.map((id) => `${LOOPBACK}:${this.#ports.get(id)}`);
  }

  /** Numbers of the brokers that run, from 1. */
  get brokerIds(): number[] {
    return [...this.#running.keys()].toSorted((a, b) => a - b);
  }

  /**
   * A client of this cluster, whose records carry the cluster's time. It belongs to the caller, who
   * closes it.
   */
  connect(options: Omit<ConnectOptions, "brokers"> = {}): Stratalog {
    return connect({ now: () => this.now(), ...options, brokers: this.addresses });
  }

  /** The time that the brokers go by, in milliseconds since 1970. */
  now(): number {
    return this.#time.clock.wallMs();
  }

  /**
   * Moves a virtual clock on by so many milliseconds, up to a century, and resolves when what fell
   * due has been set going, a few tenths of a second later. Whoever was silent in this time was
   * silent for long: members of groups are put out when it exceeds their session timeout, and those
   * that live join again by themselves. RangeError when the clock is the machine's.
   */
  async advance(durationMs: number): Promise<void> {
    if (!(this.#time instanceof VirtualTime)) {
      throw new RangeError('only a cluster with `clock: "virtual"` can be moved in time');
    }
    await this.#time.advance(durationMs);
  }

  /**
   * Starts a broker that was stopped or killed, on the data that it had and the port that it had;
   * resolves when it is ready. RangeError when it runs.
   */
  async startBroker(id: number): Promise<void> {
    await this.#start(id);
    await this.#running.get(id)?.broker.ready;
  }

  /**
   * Stops a broker cleanly: leaderships are handed over, its data stays for the next start.
   * RangeError when it does not run.
   */
  async stopBroker(id: number): Promise<void> {
    const { broker } = this.#take(id);
    const stopped = broker.stop();
    this.#stopping.set(id, stopped);
    await stopped;
  }

  /**
   * Ends a broker as `kill -9` ends a process: no goodbye, its connections break, what it had
   * written stays. RangeError when it does not run.
   */
  async killBroker(id: number): Promise<void> {
    const { life, broker } = this.#take(id);
    // Whoever waited for it waits for nothing.
    broker.ready.catch(() => {});
    const killed = life.kill().then((disk) => void this.#disks.set(id, disk));
    this.#stopping.set(id, killed);
    await killed;
  }

  /**
   * @internal Brokers wait for each other to form their cluster, so all are started before any is
   * awaited.
   */
  async startAll(): Promise<void> {
    await Promise.all(this.#flags.map((_, index) => this.#start(index + 1)));
    await Promise.all([...this.#running.values()].map(({ broker }) => broker.ready));
  }

  /** Stops all brokers and removes their data. */
  async stop(): Promise<void> {
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.allSettled([
      ...running.map(({ broker }) => broker.stop()),
      ...this.#stopping.values(),
    ]);
    if (this.#storage === "directory") await rm(this.#directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #take(id: number): RunningBroker {
    const running = this.#running.get(id);
    if (running === undefined) throw new RangeError(`broker ${id} does not run`);
    this.#running.delete(id);
    return running;
  }

  async #start(id: number): Promise<void> {
    const flags = this.#flags[id - 1];
    if (flags === undefined) throw new RangeError(`there is no broker ${id}`);
    if (this.#running.has(id)) throw new RangeError(`broker ${id} runs already`);
    await this.#stopping.get(id);
    const usual = this.#ports.get(id);
    // Clients know the port: a broker comes back where it was.
    const port = usual === undefined ? [] : [`listeners.client.port=${usual}`];
    const config = loadBrokerConfig({ flags: [...flags, ...port] });
    const real = nodeEnvironment(config, {
      logger: silentLogger,
      onFatal: (reason, error) => {
        throw new Error(`broker ${id}: ${reason}`, { cause: error });
      },
    });
    const life = new BrokerLife(real, this.#diskOf(id, real), this.#time);
    const broker = await startBroker(life.environment, config);
    this.#running.set(id, { broker, life });
    this.#ports.set(id, broker.ports.client);
  }

  #diskOf(id: number, real: ConstructorParameters<typeof DirectoryDisk>[0]): TestDisk {
    const known = this.#disks.get(id);
    if (known !== undefined) return known;
    const disk = this.#storage === "memory" ? new MemoryDisk() : new DirectoryDisk(real);
    this.#disks.set(id, disk);
    return disk;
  }
}

/**
 * Starts brokers in this process and waits until they are ready: one broker in memory in a few
 * tenths of a second. Rejects with INVALID_CONFIG for what cannot be.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options);
    } catch (error) {
      const isTaken = CodedError.is(error) && error.code === "ADDRESS_IN_USE";
      if (!isTaken || attempt >= START_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: TestClusterOptions): Promise<TestCluster> {
  const { brokers: count = 1, storage = "memory", clock = "real", settings } = options;
  const directory =
    storage === "memory" ? "/data" : await mkdtemp(join(tmpdir(), "stratalog-test-"));
  const flags = await flagsOf(directory, count, settings);
  const cluster = new TestCluster({ directory, storage, flags, clock });
  try {
    await cluster.startAll();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

async function flagsOf(
  directory: string,
  count: number,
  settings: TestClusterOptions["settings"] = {},
): Promise<readonly (readonly string[])[]> {
  // A broker alone needs to be found by nobody.
  const ports = count === 1 ? [0] : await freePorts(count);
  const all = ports.map((port, index) => `${index + 1}@${LOOPBACK}:${port}`).join(",");
  const seeds = count === 1 ? {} : { seeds: all };
  return ports.map((port, index) => {
    const values = {
      ...TEST_SETTINGS,
      "listeners.client.port": 0,
      "listeners.http.port": 0,
      ...settings,
      "node.id": index + 1,
      "data.dir": join(directory, `broker-${index + 1}`),
      "listeners.peer.port": port,
      ...seeds,
    };
    return Object.entries(values).map(([key, value]) => `${key}=${value}`);
  });
}
