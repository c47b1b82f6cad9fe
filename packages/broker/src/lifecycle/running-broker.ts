import {
  type BrokerId,
  brokerId,
  type ClusterId,
  CodedError,
  CONTROLLER_GROUP,
  type Deferred,
  deferred,
  type GroupNumber,
  present,
} from "@stratalog/base";
import type { Broker } from "../broker.ts";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { Environment } from "../environment.ts";
import { Formation, type FormedCluster } from "../formation/formation.ts";
import { brokerPages } from "../http/broker-pages.ts";
import { LeaderTable } from "../replicas/leader-table.ts";
import { leaderOfRole } from "../replicas/led-group-listener.ts";
import type { ReplicaRegistry } from "../replicas/replica-registry.ts";
import { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import { BrokerLife } from "./broker-health.ts";
import { ClientPorts, type OpenClientPorts } from "./client-port.ts";
import { type OpenController, openController } from "./controller-group.ts";
import { warnOfExposure } from "./exposure-warning.ts";
import { LateCluster } from "./late-cluster.ts";
import { openReplicas } from "./open-replicas.ts";
import { openStorage, type Storage } from "./open-storage.ts";
import { Peers } from "./peers.ts";
import { registrationOf } from "./registration.ts";
import { STOP_ORDER, type StopStep } from "./stop-order.ts";
import { StopSequence } from "./stop-sequence.ts";

/** What registration says. */
interface EnteredCluster {
  readonly controller: OpenController;
  readonly clusterId: ClusterId;
  readonly directoryId: string;
  readonly incarnation: string;
}

/** Share of the time for a stop that open calls may take to end. */
const CALL_GRACE_SHARE = 0.2;

/**
 * One broker from its first file to its last. `open` is what must succeed at once; `join` is what
 * may have to wait for other
 * brokers. All state of a broker hangs on this object: there is none at module level.
 */
export class RunningBroker implements Broker {
  readonly brokerId: BrokerId;
  readonly #environment: Environment;
  readonly #config: BrokerConfig;
  readonly #life = new BrokerLife();
  readonly #metrics = new BrokerMetrics();
  readonly #leaders = new LeaderTable();
  readonly #cluster = new LateCluster();
  readonly #ready: Deferred<void> = deferred();
  readonly #stops: StopSequence<StopStep>;
  #ports: Broker["ports"] = { client: 0, peer: 0, http: 0 };
  #storage: Storage | undefined;
  #peers: Peers | undefined;
  #formation: Formation | undefined;
  #replicas: ReplicaRegistry | undefined;
  #entered: Promise<void> = Promise.resolve();
  #joined: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(environment: Environment, config: BrokerConfig) {
    this.brokerId = brokerId(config.nodeId);
    this.#config = config;
    this.#stops = new StopSequence(STOP_ORDER, environment.logger);
    this.#environment = {
      clock: environment.clock,
      timers: environment.timers,
      steadyTime: environment.steadyTime,
      random: environment.random,
      fileSystem: environment.fileSystem,
      logger: environment.logger,
      openKeyValueStore: (directory) => environment.openKeyValueStore(directory),
      openPeerLink: (listen) => environment.openPeerLink(listen),
      openClientPort: (options) => environment.openClientPort(options),
      openHttpPort: (options) => environment.openHttpPort(options),
      measureProcess: (metrics) => environment.measureProcess(metrics),
      onFatal: (reason, error) => {
        this.#life.fail(reason);
        environment.onFatal(reason, error);
      },
    };
    // Whoever does not wait for `ready` learns of a failure by `onFatal`.
    this.#ready.promise.catch(() => {});
  }

  get ports(): Broker["ports"] {
    return this.#ports;
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Storage and ports. After a failure, `release` gives back what was taken. */
  async open(): Promise<void> {
    const environment = this.#environment;
    const config = this.#config;
    const { logger } = environment;
    const storage = await openStorage(environment, config, this.#stops, (group, reason) =>
      this.#handleGroupFailure(group, reason),
    );
    this.#storage = storage;
    const http = await this.#openHttpPort();
    const { listeners } = config;
    const { timers } = environment.steadyTime;
    this.#stops.add("exposure warning", warnOfExposure({ listeners, timers, logger }));
    const formation: { current?: Formation } = {};
    const peers = new Peers({
      environment,
      config,
      logs: storage.logs,
      checkHello: (hello) => formation.current?.checkHello(hello),
      onGroupFailed: (group, { reason, isDamaged }) => {
        // Remembered, it comes back here as damage.
        if (isDamaged) storage.logs.group(group)?.markDamaged(reason);
        this.#handleGroupFailure(group, reason);
      },
    });
    this.#peers = peers;
    formation.current = this.#createFormation(storage, peers);
    this.#formation = formation.current;
    this.#stops.add("peers", () => peers.hub.stop());
    const peer = await peers.start(storage.directory.identity);
    peers.raftHost.start();
    this.#stops.add("raft host", async () => {
      const stopped = peers.raftHost.stop();
      // It waits for its writes; a storage that failed never says that they are done.
      if (this.#life.fatalReason() === undefined) await stopped;
    });
    const clientPorts = await this.#openClientPorts();
    this.#ports = { ...clientPorts, peer, http };
    logger.info({ ...this.#ports, dataDir: config.dataDir }, "the broker is up");
  }

  /** Becomes part of the cluster, in the background. */
  join(): void {
    const entering = this.#enterCluster();
    // A failure is told once, below.
    this.#entered = entering.then(
      () => {},
      () => {},
    );
    this.#joined = entering
      .then((entered) => this.#register(entered))
      .then(
        () => this.#ready.resolve(),
        (error: unknown) => {
          this.#ready.reject(error);
          if (this.#stopping !== undefined) return;
          const reason = error instanceof Error ? error.message : String(error);
          this.#environment.onFatal(`the broker cannot join its cluster: ${reason}`, error);
        },
      );
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  /** Gives back what was taken, without any grace. */
  release(): Promise<void> {
    return this.#stops.run();
  }

  async #stop(): Promise<void> {
    this.#life.enter("stopping");
    this.#environment.logger.info({}, "stopping");
    this.#formation?.stop();
    // What is being opened is opened first, in bounded time, so that there is a step to close it.
    await this.#entered;
    await this.#stops.run();
    await this.#joined;
    this.#environment.logger.info({}, "stopped");
  }

  async #openHttpPort(): Promise<number> {
    const { host, port, tls } = this.#config.listeners.http;
    const logger = this.#environment.logger.child({ part: "http" });
    this.#stops.add("metrics", this.#environment.measureProcess(this.#metrics));
    const pages = brokerPages(this.#life, this.#metrics);
    const listener = this.#environment.openHttpPort({
      host,
      port,
      tls,
      pages,
      logger,
      connectionsMax: this.#config.limits.httpConnections,
    });
    const bound = await listener.start();
    this.#stops.add("http port", () => listener.stop());
    return bound;
  }

  #createFormation(storage: Storage, peers: Peers): Formation {
    const { steadyTime, random, logger } = this.#environment;
    return new Formation({
      identity: storage.directory,
      seeds: this.#config.seeds,
      calls: peers.hub.calls,
      store: storage.directory.keyValue,
      timers: steadyTime.timers,
      random,
      logger: logger.child({ part: "formation" }),
      onMismatch: (error) => this.#environment.onFatal(error.message, error),
    });
  }

  async #openClientPorts(): Promise<OpenClientPorts> {
    const listener = new ClientPorts({
      environment: this.#environment,
      config: this.#config,
      cluster: this.#cluster,
      leaders: this.#leaders,
      metrics: this.#metrics,
    });
    const graceMs = this.#config.limits.shutdownTimeoutMs * CALL_GRACE_SHARE;
    // Before the start: one port may be bound when another cannot be.
    this.#stops.add("client port", () => listener.stop(graceMs));
    const ports = await listener.start();
    this.#ready.promise.then(
      () => listener.setServing(true),
      // It never served, then.
      () => {},
    );
    return ports;
  }

  /** Waits for the cluster to form, then opens what this broker holds of it. */
  async #enterCluster(): Promise<EnteredCluster> {
    const storage = present(this.#storage, "storage");
    const peers = present(this.#peers, "peers");
    this.#life.enter("forming");
    const formed = await present(this.#formation, "formation").form();
    this.#refuseAfterStop();
    peers.introduce(storage.directory.identity);
    const controller = await this.#openController(storage, peers, formed);
    const { view, client } = controller.node;
    view.onChange((image) => peers.follow(image));
    peers.follow(view.image);
    const { replicas, coordinator } = await openReplicas({
      brokerId: this.brokerId,
      environment: this.#environment,
      config: this.#config,
      storage,
      peers,
      leaders: this.#leaders,
      metrics: this.#metrics,
      stops: this.#stops,
      controller,
    });
    this.#replicas = replicas;
    await replicas.start();
    this.#cluster.become({ metadata: view, controller: client, coordinator, replicas });
    this.#life.watch(() => (replicas.isComplete ? [] : ["replicas are being opened"]));
    controller.node.start();
    this.#stops.add("announcement", () => controller.node.announceStop());
    const { directoryId } = storage.directory.identity;
    const { clusterId } = formed;
    return { controller, clusterId, directoryId, incarnation: peers.incarnation };
  }

  /** Tells the controller; waits for as long as there is none. */
  async #register(entered: EnteredCluster): Promise<void> {
    const { controller, ...identity } = entered;
    this.#life.enter("registering");
    const facts = { config: this.#config, ports: this.#ports, ...identity };
    await controller.node.register(registrationOf(facts));
    this.#refuseAfterStop();
    this.#life.enter("running");
    this.#environment.logger.info({ clusterId: identity.clusterId }, "ready");
  }

  /**
   * A replica would go on wrongly. Of a partition, others go on; without the controller's this
   * broker is no use.
   */
  #handleGroupFailure(group: GroupNumber, reason: string): void {
    if (group === CONTROLLER_GROUP) {
      const message = `the controller's replica stopped: ${reason}`;
      this.#environment.onFatal(message, new Error(message));
      return;
    }
    this.#replicas?.handleFailure(group, reason).catch((error: unknown) => {
      this.#environment.logger.error({ err: error, group }, "a failed replica does not close");
    });
  }

  #refuseAfterStop(): void {
    if (this.#stopping === undefined) return;
    throw new CodedError("CLOSED", "the broker stopped before it was part of its cluster");
  }

  async #openController(
    storage: Storage,
    peers: Peers,
    cluster: FormedCluster,
  ): Promise<OpenController> {
    const { steadyTime, random, logger } = this.#environment;
    const controller = await openController(
      {
        brokerId: this.brokerId,
        store: storage.directory.keyValue,
        calls: peers.hub.calls,
        ...steadyTime,
        random,
        logger: logger.child({ part: "controller" }),
        liveness: this.#config.liveness,
        onFatal: (error) =>
          this.#environment.onFatal("the controller's state cannot be trusted", error),
      },
      {
        cluster,
        logs: storage.logs,
        raftHost: peers.raftHost,
        onRole: (role) => {
          const leader = leaderOfRole(role);
          if (leader !== undefined) this.#leaders.learn(CONTROLLER_GROUP, leader);
        },
      },
    );
    this.#stops.add("controller", () => controller.node.stop());
    return controller;
  }
}
