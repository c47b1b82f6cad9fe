import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "@stratalog/base";
import { type Broker, loadBrokerConfig, nodeEnvironment, startBroker } from "@stratalog/broker";
import { type ConnectOptions, connect, type Stratalog } from "@stratalog/client";

/** How a test cluster is made. */
export interface TestClusterOptions {
  /** Default 1. */
  readonly brokers?: 1 | 3;
  /** More broker settings under their outside names, for example `{ "num.partitions": 4 }`. */
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Small files and short sessions: a test sees rolls, checkpoints and elections soon. */
const TEST_SETTINGS: Readonly<Record<string, string | number>> = {
  "wal.file.bytes": 1024 * 1024,
  "tail.cache.bytes": 16 * 1024 * 1024,
};

const LOOPBACK = "127.0.0.1";

/**
 * Brokers in this process, on free ports of loopback, with data in a temporary directory that goes
 * with the cluster.
 *
 * `await using cluster = await startTestCluster({ brokers: 3 });`
 */
export class TestCluster implements AsyncDisposable {
  readonly #directory: string;
  readonly #flags: readonly (readonly string[])[];
  readonly #running = new Map<number, Broker>();
  /** Stops under way; a start of the same broker waits for it. */
  readonly #stopping = new Map<number, Promise<void>>();
  readonly #ports = new Map<number, number>();

  /** @internal Use {@link startTestCluster}. */
  constructor(directory: string, flags: readonly (readonly string[])[]) {
    this.#directory = directory;
    this.#flags = flags;
  }

  /** Client addresses of the brokers that run. */
  get addresses(): string[] {
    return this.brokerIds.map((id) => `${LOOPBACK}:${this.#ports.get(id)}`);
  }

  /** Numbers of the brokers that run. */
  get brokerIds(): number[] {
    return [...this.#running.keys()].toSorted((a, b) => a - b);
  }

  /** A client of this cluster. It belongs to the caller, who closes it. */
  connect(options: Omit<ConnectOptions, "brokers"> = {}): Stratalog {
    return connect({ ...options, brokers: this.addresses });
  }

  /** Starts a broker again, or for the first time; resolves when it is ready. */
  async startBroker(id: number): Promise<void> {
    await this.#start(id);
    await this.#running.get(id)?.ready;
  }

  /** Stops a broker cleanly: leaderships are handed over, its data stays for the next start. */
  async stopBroker(id: number): Promise<void> {
    const broker = this.#running.get(id);
    if (broker === undefined) throw new RangeError(`broker ${id} does not run`);
    this.#running.delete(id);
    const stopped = broker.stop();
    this.#stopping.set(id, stopped);
    await stopped;
  }

  /**
   * @internal Brokers wait for each other to form their cluster, so all are started before any is
   * awaited.
   */
  async startAll(): Promise<void> {
    await Promise.all(this.#flags.map((_, index) => this.#start(index + 1)));
    await Promise.all([...this.#running.values()].map((broker) => broker.ready));
  }

  /** Stops all brokers and removes their data. */
  async stop(): Promise<void> {
    const brokers = [...this.#running.values()];
    this.#running.clear();
    await Promise.allSettled(brokers.map((broker) => broker.stop()));
    await rm(this.#directory, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
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
    const environment = nodeEnvironment(config, {
      logger: silentLogger,
      onFatal: (reason, error) => {
        throw new Error(`broker ${id}: ${reason}`, { cause: error });
      },
    });
    const broker = await startBroker(environment, config);
    this.#running.set(id, broker);
    this.#ports.set(id, broker.ports.client);
  }
}

/** Starts brokers in this process and waits until they are ready. */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const count = options.brokers ?? 1;
  const directory = await mkdtemp(join(tmpdir(), "stratalog-test-"));
  const cluster = new TestCluster(directory, await flagsOf(directory, count, options.settings));
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
  const ports = await freePorts(count);
  const seeds = ports.map((port, index) => `${index + 1}@${LOOPBACK}:${port}`).join(",");
  return ports.map((port, index) => {
    const values = {
      ...TEST_SETTINGS,
      "listeners.client.port": 0,
      "listeners.http.port": 0,
      ...settings,
      "node.id": index + 1,
      "data.dir": join(directory, `broker-${index + 1}`),
      "listeners.peer.port": port,
      seeds,
    };
    return Object.entries(values).map(([key, value]) => `${key}=${value}`);
  });
}

/** Distinct ports that nobody listens on. Brokers must know each other's before they start. */
async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(Array.from({ length: count }, listenAnywhere));
  const ports = servers.map((server) => {
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("a server has no port");
    return address.port;
  });
  await Promise.all(
    servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
  );
  return ports;
}

function listenAnywhere(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: LOOPBACK, port: 0, exclusive: true }, () => resolve(server));
  });
}
