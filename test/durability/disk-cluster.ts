import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { silentLogger } from "@stratalog/base";
import { type Broker, loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { connect, type Stratalog } from "@stratalog/client";
import { freePorts } from "../integration/free-ports.ts";
import { FaultyDisk } from "./faulty-disk.ts";

const WAIT_MS_MAX = 20_000;
const POLL_MS = 10;

/** A broker in this process on a disk that can be told to fail. */
export class DiskBroker {
  readonly id: number;
  readonly #flags: readonly string[];
  disk: FaultyDisk | undefined;
  /** Why it had to end, in a process of its own. */
  fatal: string | undefined;
  #broker: Broker | undefined;
  #stopping: Promise<void> = Promise.resolve();
  #clientPort = 0;

  constructor(id: number, flags: readonly string[]) {
    this.id = id;
    this.#flags = flags;
  }

  get address(): string {
    return `127.0.0.1:${this.#clientPort}`;
  }

  get running(): { readonly disk: FaultyDisk; readonly broker: Broker } {
    if (this.disk === undefined || this.#broker === undefined) {
      throw new Error(`broker ${this.id} does not run`);
    }
    return { disk: this.disk, broker: this.#broker };
  }

  /** Starts it, or starts it again, on a disk without faults. */
  async start(): Promise<void> {
    const port = `listeners.client.port=${this.#clientPort}`;
    const config = loadBrokerConfig({ flags: [...this.#flags, port] });
    this.fatal = undefined;
    const environment = nodeEnvironment(config, {
      logger: silentLogger,
      onFatal: (reason) => {
        this.fatal ??= reason;
        // A process would end here; this one gives its ports back.
        void this.stop();
      },
    });
    this.disk = new FaultyDisk(environment.fileSystem);
    this.#broker = await startBroker({ ...environment, fileSystem: this.disk }, config);
    this.#clientPort = this.#broker.ports.client;
  }

  stop(): Promise<void> {
    if (this.#broker !== undefined) this.#stopping = this.#broker.stop();
    this.#broker = undefined;
    return this.#stopping;
  }
}

/** Brokers in this process, each on a disk that can be told to fail. */
export class DiskCluster implements AsyncDisposable {
  readonly brokers: readonly DiskBroker[];
  readonly #directory: string;
  readonly client: Stratalog;

  private constructor(directory: string, brokers: readonly DiskBroker[], client: Stratalog) {
    this.#directory = directory;
    this.brokers = brokers;
    this.client = client;
  }

  static async start(
    count: 1 | 3,
    settings: Readonly<Record<string, string | number>> = {},
  ): Promise<DiskCluster> {
    const directory = await mkdtemp(join(tmpdir(), "stratalog-durability-"));
    const ports = await freePorts(count);
    const seeds = ports.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(",");
    const brokers = ports.map((port, index) => {
      const values = {
        "wal.file.bytes": 1024 * 1024,
        "tail.cache.bytes": 16 * 1024 * 1024,
        "listeners.http.port": 0,
        ...settings,
        "node.id": index + 1,
        "data.dir": join(directory, `broker-${index + 1}`),
        "listeners.peer.port": port,
        seeds,
      };
      const flags = Object.entries(values).map(([key, value]) => `${key}=${value}`);
      return new DiskBroker(index + 1, flags);
    });
    await Promise.all(brokers.map((broker) => broker.start()));
    await Promise.all(brokers.map((broker) => broker.running.broker.ready));
    const client = connect({ brokers: brokers.map(({ address }) => address) });
    return new DiskCluster(directory, brokers, client);
  }

  /** A topic of one partition with a replica on every broker, and the broker that leads it. */
  async createTopic(topic: string): Promise<DiskBroker> {
    const admin = this.client.admin();
    const replicationFactor = this.brokers.length;
    await admin.createTopic({ name: topic, partitions: 1, replicationFactor });
    // The first record goes through: there is a leader, and it is the one that serves.
    await this.client.producer().send({ topic, value: "first" });
    return this.leaderOf(topic);
  }

  async leaderOf(topic: string): Promise<DiskBroker> {
    let leader: DiskBroker | undefined;
    await until(async () => {
      const { partitions } = await this.client.admin().describeTopic(topic);
      leader = this.brokers.find(({ id }) => id === partitions[0]?.leader);
      return leader !== undefined;
    });
    if (leader === undefined) throw new Error(`${topic} has no leader`);
    return leader;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { disk } of this.brokers) disk?.heal();
    await this.client.close();
    await Promise.all(this.brokers.map((broker) => broker.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** Waits until something holds, within a bound. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + WAIT_MS_MAX;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error("what was waited for did not come");
    await delay(POLL_MS);
  }
}

/** Values of a topic's one partition, in order. */
export async function valuesOf(client: Stratalog, topic: string): Promise<readonly string[]> {
  const values: string[] = [];
  for await (const record of client.replay({ topic })) values.push(record.text() ?? "");
  return values;
}
