import type {
  BrokerId,
  Clock,
  ClusterId,
  KeyValueStore,
  Logger,
  Random,
  Timers,
} from "@stratalog/base";
import type { GroupListener } from "@stratalog/raft-host";
import { ReplicatedStateMachine, type ReplicationGroup } from "@stratalog/state-machine";
import { BrokerRegistrar, type RegistrationFields } from "./broker-registration.ts";
import { BrokerSessions } from "./broker-sessions.ts";
import { type ControllerClient, RoamingControllerClient } from "./controller-client.ts";
import { serveController } from "./controller-server.ts";
import { MetadataFeed } from "./metadata-feed.ts";
import { MetadataFollower } from "./metadata-follower.ts";
import { type ControllerReplica, metadataMachine } from "./metadata-machine.ts";
import { type ClusterView, MetadataView } from "./metadata-view.ts";
import type { Calls } from "./peer-calls.ts";
import { type StateLog, useSmallSegments } from "./state-log.ts";

/** What a broker's part in the controller is made of. */
export interface ControllerNodeOptions {
  readonly brokerId: BrokerId;
  readonly clusterId: ClusterId;
  readonly voters: readonly BrokerId[];
  /** Present exactly when this broker votes: where entries below a snapshot may be dropped. */
  readonly log?: StateLog;
  readonly store: KeyValueStore;
  readonly calls: Calls;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly liveness: { readonly heartbeatIntervalMs: number; readonly sessionTimeoutMs: number };
  /** The replicated state can no longer be trusted: the broker must stop. */
  onFatal(error: Error): void;
}

/**
 * The controller replica between its log and its Raft group: opened, given to the group as
 * listener, attached, closed.
 */
export interface HostedController {
  readonly listener: GroupListener;
  /** The group delivers committed frames from the one after this. */
  readonly appliedIndex: number;
  attach(group: ReplicationGroup): void;
}

/**
 * One broker's part in the controller. A voter holds a replica of the metadata's state machine; any
 * other broker follows what the voters committed. Both have the same view and the same client.
 */
export class ControllerNode {
  readonly view: ClusterView;
  readonly client: ControllerClient;
  /** Present on a voter; its Raft group is to be added and attached before `start`. */
  readonly replica: HostedController | undefined;
  readonly #machine: ControllerReplica | undefined;
  readonly #sessions: BrokerSessions | undefined;
  readonly #follower: MetadataFollower | undefined;
  readonly #registrar: BrokerRegistrar;

  private constructor(options: ControllerNodeOptions, machine: ControllerReplica | undefined) {
    const { voters, calls, timers, clock, logger, clusterId, liveness } = options;
    const view = new MetadataView();
    this.view = view;
    this.#machine = machine;
    if (machine === undefined) {
      this.#follower = new MetadataFollower({ view, voters, calls, timers, logger });
    } else {
      view.replace(machine.state, machine.appliedIndex);
      machine.onChange(({ state, index }) => view.replace(state, index));
      serveController(calls, machine);
      // It lives as long as the replica whose listener and calls it serves.
      new MetadataFeed({ replica: machine, timers, calls });
      const { sessionTimeoutMs } = liveness;
      const sessions = { replica: machine, clusterId, voters, calls, clock, timers, logger };
      this.#sessions = new BrokerSessions({ ...sessions, sessionTimeoutMs });
      this.replica = {
        listener: machine,
        appliedIndex: machine.appliedIndex,
        attach: (group) => machine.attach(group),
      };
    }
    const self = options.brokerId;
    this.client = new RoamingControllerClient({
      self,
      voters,
      replica: machine,
      calls,
      clock,
      timers,
    });
    const { heartbeatIntervalMs } = liveness;
    const { client } = this;
    const registrar = { client, view, voters, calls, timers, logger, heartbeatIntervalMs };
    this.#registrar = new BrokerRegistrar(registrar);
  }

  /** Loads the replica's snapshot on a voter. Rejects with STORAGE_DAMAGED. */
  static async open(options: ControllerNodeOptions): Promise<ControllerNode> {
    const { log, store, clock, timers, random, logger } = options;
    if (log === undefined) return new ControllerNode(options, undefined);
    useSmallSegments(log);
    const machine = await ReplicatedStateMachine.open({
      definition: metadataMachine,
      store,
      keyPrefix: "controller",
      clock,
      timers,
      random,
      logger,
      dropLogPrefix: (index) => log.dropPrefix(index),
      onFatal: (error) => options.onFatal(error),
    });
    return new ControllerNode(options, machine);
  }

  /** Whether this broker is the controller now. */
  get isController(): boolean {
    return this.#machine?.isLeader === true;
  }

  /** Begins to follow the metadata where there is no replica. */
  start(): void {
    this.#follower?.start();
  }

  /**
   * Registers this broker once its ports are known, and keeps its session. Resolves when the
   * cluster and this broker's own view know of it. Rejects with INVALID_CONFIG or
   * CLUSTER_ID_MISMATCH.
   */
  register(fields: RegistrationFields): Promise<void> {
    return this.#registrar.register(fields);
  }

  /** First step of a graceful stop. */
  announceStop(): Promise<void> {
    return this.#registrar.announceStop();
  }

  /** Ends all loops and refuses commands; a voter's snapshot is stored. */
  async stop(): Promise<void> {
    this.#registrar.stop();
    this.#follower?.stop();
    this.#sessions?.stop();
    if (this.#machine === undefined) return;
    await this.#machine.saveSnapshot();
    this.#machine.close();
  }
}
