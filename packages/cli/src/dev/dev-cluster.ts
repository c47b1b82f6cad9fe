import { CodedError, present } from "@stratalog/base";
import { writeBrokerConfigs } from "./broker-config-file.ts";
import { BrokerProcess, type BrokerProgram, type ProcessEnd } from "./broker-process.ts";
import { type BrokerPlan, type ClusterPlan, type DevDirectory, LOOPBACK } from "./dev-directory.ts";
import { httpGet } from "./http-probe.ts";
import { metricValue } from "./metrics-text.ts";
import { usualPorts, withFreePorts } from "./port-plan.ts";
import { claimDirectory } from "./run-claim.ts";

/** How to start a cluster over a data directory. */
export interface DevClusterOptions {
  readonly directory: DevDirectory;
  /**
   * Number of brokers of a new cluster; an existing one keeps its number, and another number is
   * refused.
   */
  readonly brokerCount: number | undefined;
  readonly program: BrokerProgram;
  /** Ends a start that waits: what runs by then is stopped. */
  readonly signal: AbortSignal;
  /** A broker ended that nobody stopped or killed here. */
  readonly onUnexpectedEnd: (id: number, end: ProcessEnd) => void;
}

const BROKERS_DEFAULT = 3;

/** Brokers on loopback, each a process of its own, over one data directory. */
export class DevCluster {
  readonly directory: DevDirectory;
  readonly plan: ClusterPlan;
  readonly #options: DevClusterOptions;
  readonly #processes = new Map<number, BrokerProcess>();
  /** Brokers whose end is wanted. */
  readonly #leaving = new Set<number>();

  private constructor(options: DevClusterOptions, plan: ClusterPlan) {
    this.directory = options.directory;
    this.plan = plan;
    this.#options = options;
  }

  /**
   * Starts all brokers and resolves when all are ready; otherwise none is left. Errors:
   * DIRECTORY_IN_USE when a cluster runs over the directory, DIRECTORY_UNUSABLE, ADDRESS_IN_USE,
   * BROKER_NOT_AVAILABLE.
   */
  static async start(options: DevClusterOptions): Promise<DevCluster> {
    const { directory } = options;
    await directory.create();
    await claimDirectory(directory);
    try {
      const cluster = new DevCluster(options, await makePlan(options));
      await directory.writePlan(cluster.plan);
      await writeBrokerConfigs(directory, cluster.plan);
      await cluster.#startAll();
      return cluster;
    } catch (error) {
      await directory.removeRun();
      throw error;
    }
  }

  /** Where clients connect. */
  get clientAddresses(): string[] {
    return this.plan.brokers.map(({ clientPort }) => `${LOOPBACK}:${clientPort}`);
  }

  /** Process id of a broker; undefined while it does not run. */
  pidOf(id: number): number | undefined {
    const process = this.#processes.get(id);
    return process?.isRunning === true ? process.pid : undefined;
  }

  /** `kill -9` of one broker. */
  async kill(id: number): Promise<void> {
    this.#leaving.add(id);
    await this.#process(id).kill();
  }

  /** Starts a broker again over its data and resolves when it is ready. */
  async restart(id: number): Promise<void> {
    await this.#spawn(id);
    await this.#writeRun();
    await this.#process(id).ready(this.#options.signal);
  }

  /** A number from a broker's metrics; undefined while it does not answer. */
  async metric(id: number, name: string): Promise<number | undefined> {
    const answer = await httpGet(this.#planOf(id).httpPort, "/metrics");
    return answer?.status === 200 ? metricValue(answer.body, name) : undefined;
  }

  /** Stops every broker gracefully, all at the same time. */
  async stop(): Promise<void> {
    for (const id of this.#processes.keys()) this.#leaving.add(id);
    await Promise.all([...this.#processes.values()].map((process) => process.stop()));
    await this.directory.removeRun();
  }

  /** Ends every broker at once: the second Ctrl-C. */
  async killAll(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((id) => this.kill(id)));
    await this.directory.removeRun();
  }

  async #startAll(): Promise<void> {
    try {
      for (const { id } of this.plan.brokers) await this.#spawn(id);
      await this.#writeRun();
      await Promise.all(
        [...this.#processes.values()].map((process) => process.ready(this.#options.signal)),
      );
    } catch (error) {
      for (const id of this.#processes.keys()) this.#leaving.add(id);
      await Promise.all([...this.#processes.values()].map((process) => process.stop()));
      throw error;
    }
  }

  async #spawn(id: number): Promise<void> {
    const plan = this.#planOf(id);
    const process = await BrokerProcess.spawn(this.directory, plan, this.#options.program);
    this.#leaving.delete(id);
    this.#processes.set(id, process);
    // Never rejects: an end is a value.
    void process.ended.then((end) => {
      if (!this.#leaving.has(id)) this.#options.onUnexpectedEnd(id, end);
    });
  }

  #planOf(id: number): BrokerPlan {
    return present(
      this.plan.brokers.find((broker) => broker.id === id),
      `broker ${id}`,
    );
  }

  #process(id: number): BrokerProcess {
    return present(this.#processes.get(id), `process of broker ${id}`);
  }

  #writeRun(): Promise<void> {
    const brokers = [...this.#processes].map(([id, { pid }]) => ({ id, pid }));
    return this.directory.writeRun({ version: 1, supervisorPid: process.pid, brokers });
  }
}

async function makePlan(options: DevClusterOptions): Promise<ClusterPlan> {
  const existing = await options.directory.readPlan();
  const wanted = options.brokerCount;
  if (existing === undefined) {
    const ids = Array.from({ length: wanted ?? BROKERS_DEFAULT }, (_, index) => index + 1);
    return withFreePorts(ids.map(usualPorts));
  }
  if (wanted !== undefined && wanted !== existing.brokers.length) {
    throw new CodedError(
      "INVALID_REQUEST",
      `${options.directory.path} holds a cluster of ${existing.brokers.length} brokers, not ` +
        `${wanted}; leave --brokers out, or choose another directory with --data`,
    );
  }
  return withFreePorts(existing.brokers);
}
