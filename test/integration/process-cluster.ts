import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BrokerProcess } from "./broker-process.ts";
import { freePorts } from "./free-ports.ts";

/**
 * Small files and short sessions, so that a test sees rolls, checkpoints and fencing within
 * seconds.
 */
const TEST_SETTINGS = {
  "wal.file.bytes": 4 * 1024 * 1024,
  "wal.checkpoint.interval.ms": 1_000,
} as const;

export interface ProcessClusterOptions {
  readonly brokers: 1 | 3;
  readonly settings?: Readonly<Record<string, string | number>>;
}

/** Brokers in processes on loopback, in a directory of their own that goes with them. */
export class ProcessCluster implements AsyncDisposable {
  readonly brokers: readonly BrokerProcess[];
  readonly directory: string;

  private constructor(directory: string, brokers: readonly BrokerProcess[]) {
    this.directory = directory;
    this.brokers = brokers;
  }

  /** Starts the brokers and waits until all are ready. */
  static async start(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const cluster = await ProcessCluster.create(options);
    try {
      await cluster.startAll();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** Plans the brokers without starting them. */
  static async create(options: ProcessClusterOptions): Promise<ProcessCluster> {
    const directory = await mkdtemp(join(tmpdir(), "stratalog-cluster-"));
    const ports = await freePorts(3 * options.brokers);
    const port = (index: number): number => ports[index] ?? 0;
    const ids = Array.from({ length: options.brokers }, (_, index) => index + 1);
    const seeds = ids.map((id) => `${id}@127.0.0.1:${port(3 * (id - 1) + 1)}`);
    const brokers: BrokerProcess[] = [];
    for (const id of ids) {
      const own = join(directory, `broker-${id}`);
      await mkdir(own);
      const [clientPort, peerPort, httpPort] = [0, 1, 2].map((n) => port(3 * (id - 1) + n));
      brokers.push(
        new BrokerProcess({
          id,
          directory: own,
          clientPort: clientPort ?? 0,
          peerPort: peerPort ?? 0,
          httpPort: httpPort ?? 0,
          seeds,
          settings: { ...TEST_SETTINGS, ...options.settings },
        }),
      );
    }
    return new ProcessCluster(directory, brokers);
  }

  async startAll(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.spawn()));
    await Promise.all(this.brokers.map((broker) => broker.ready()));
  }

  get addresses(): string[] {
    return this.brokers.map((broker) => broker.address);
  }

  broker(id: number): BrokerProcess {
    const broker = this.brokers.find(({ plan }) => plan.id === id);
    if (broker === undefined) throw new Error(`no broker ${id}`);
    return broker;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.kill()));
    await rm(this.directory, { recursive: true, force: true });
  }
}
