import {
  type BrokerId,
  type DirectoryId,
  type GroupNumber,
  type Logger,
  type ReplicaEpoch,
  replicaNumber,
  type Startable,
  type Timer,
  type Timers,
} from "@stratalog/base";
import { type MetadataImage, topicByName } from "@stratalog/metadata";
import type { GroupHost, HostedGroup, HostedReplica, LogHost, ReplicaOpener } from "./hosting.ts";
import { ledPartition } from "./led-partition.ts";
import type { LedGroup } from "./leader-news.ts";
import { leaderOfRole, ledGroupListener } from "./led-group-listener.ts";
import type { LeaderTable } from "./leader-table.ts";
import type { LedPartition, ReplicaLookup, ReplicaPlace } from "./replica-lookup.ts";
import {
  isDeletedGroup,
  placedGroups,
  type WantedReplica,
  wantedReplicas,
} from "./replica-plan.ts";

/** The cluster's metadata as this broker knows it. */
export interface MetadataSource {
  readonly image: MetadataImage;
  onChange(callback: () => void): () => void;
}

export interface ReplicaRegistryOptions {
  readonly broker: BrokerId;
  /** The data directory that the logs are in. */
  readonly directoryId: DirectoryId;
  readonly metadata: MetadataSource;
  readonly logs: LogHost;
  readonly host: GroupHost;
  readonly openers: {
    readonly clients: ReplicaOpener;
    readonly coordinator: ReplicaOpener;
  };
  readonly leaders: LeaderTable;
  /** A replica here won or lost the leadership of its group. */
  onLedGroupsChange(): void;
  readonly timers: Timers;
  readonly logger: Logger;
}

/** A replica that runs on this broker. */
export interface RunningReplica {
  readonly wanted: WantedReplica;
  readonly replica: HostedReplica;
  readonly group: HostedGroup;
}

/** Replicas that are opened or closed at one time: each makes and syncs a few files. */
const PARALLEL_MAX = 8;
const RETRY_MS = 1_000;
const MAINTENANCE_MS = 1_000;

/**
 * Makes what runs here equal to what the metadata says, whatever either was before: it compares the
 * two again after each
 * change and after each failure, instead of following events. One comparison runs at a time.
 */
export class ReplicaRegistry implements ReplicaLookup, Startable {
  readonly name = "replicas";
  readonly #options: ReplicaRegistryOptions;
  readonly #running = new Map<GroupNumber, RunningReplica>();
  readonly #damaged = new Map<GroupNumber, string>();
  #state: "new" | "running" | "stopped" = "new";
  #reconciling: Promise<void> | undefined;
  #isStale = false;
  #stopWatching: (() => void) | undefined;
  #retryTimer: Timer | undefined;
  #maintenanceTimer: Timer | undefined;

  constructor(options: ReplicaRegistryOptions) {
    this.#options = options;
  }

  /** Hosts what the metadata says now; later changes follow by themselves. */
  async start(): Promise<void> {
    const { logs, logger, metadata, host, broker } = this.#options;
    this.#state = "running";
    for (const { group, descriptor, state, reason } of logs.groups()) {
      if (state !== "damaged" || descriptor.kind === "controller") continue;
      this.#damaged.set(group, reason ?? "damaged");
      const replicaEpoch = descriptor.replicaEpoch as ReplicaEpoch;
      host.refuseGroup(group, replicaNumber({ brokerId: broker, replicaEpoch }));
      logger.error({ ...descriptor, reason }, "a replica is damaged and stays closed");
    }
    this.#stopWatching = metadata.onChange(() => this.#wake());
    this.#scheduleMaintenance();
    this.#wake();
    await this.#reconciling;
  }

  /** Closes all replicas, keeping their files. The Raft host has been stopped or is about to be. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#stopWatching?.();
    this.#retryTimer?.cancel();
    this.#maintenanceTimer?.cancel();
    await this.#reconciling;
    await Promise.all([...this.#running.values()].map(({ replica }) => replica.close("stop")));
    this.#running.clear();
  }

  lookup(topicName: string, partition: number): ReplicaPlace {
    const topic = topicByName(this.#options.metadata.image, topicName);
    const image = topic?.kind === "clients" ? topic.partitions[partition] : undefined;
    if (image === undefined) return { kind: "unknown" };
    const service = this.#running.get(image.group)?.replica.service;
    if (service !== undefined) return { kind: "local", replica: service };
    const known = this.#options.leaders.leaderOf(image.group);
    return { kind: "elsewhere", leader: known?.leader, leaderEpoch: known?.term };
  }

  /** What runs here. */
  running(): IterableIterator<RunningReplica> {
    return this.#running.values();
  }

  runningReplica(group: GroupNumber): RunningReplica | undefined {
    return this.#running.get(group);
  }

  /** Groups that this broker leads. */
  ledGroups(): readonly LedGroup[] {
    const led: LedGroup[] = [];
    for (const [number, { group }] of this.#running) {
      if (group.role === "leader") led.push({ group: number, term: group.term });
    }
    return led;
  }

  ledPartitions(): readonly LedPartition[] {
    return [...this.#running.values()].flatMap((running) => ledPartition(running) ?? []);
  }

  get damagedCount(): number {
    return this.#damaged.size;
  }

  /** Groups whose files are damaged, with the reason. */
  get damaged(): ReadonlyMap<GroupNumber, string> {
    return this.#damaged;
  }

  /** Whether everything that the metadata places here runs. */
  get isComplete(): boolean {
    const { metadata, broker } = this.#options;
    if (this.#isStranger) return false;
    for (const group of wantedReplicas(metadata.image, broker).keys()) {
      if (!this.#running.has(group) && !this.#damaged.has(group)) return false;
    }
    return true;
  }

  /**
   * A replica's group stopped for good: it takes part in nothing any more, as if its files had been
   * found damaged. Other replicas of the partition go on.
   */
  async handleFailure(group: GroupNumber, reason: string): Promise<void> {
    const running = this.#running.get(group);
    if (running === undefined) return;
    this.#running.delete(group);
    this.#damaged.set(group, reason);
    this.#options.host.failGroup(group, reason);
    await this.#options.host.removeGroup(group);
    await running.replica.close("stop");
  }

  /**
   * Whether the metadata knows this broker by another data directory. What is placed here was
   * promised from that one: with an empty log in its place a replica would vote and acknowledge
   * again. Registration will refuse this broker, but it may know of its placements long before.
   */
  get #isStranger(): boolean {
    const { metadata, broker, directoryId } = this.#options;
    const known = metadata.image.brokers.get(broker);
    return known !== undefined && known.directoryId !== directoryId;
  }

  #wake(): void {
    this.#isStale = true;
    if (this.#state !== "running" || this.#reconciling !== undefined) return;
    this.#reconciling = this.#reconcileWhileStale().finally(() => {
      this.#reconciling = undefined;
    });
  }

  async #reconcileWhileStale(): Promise<void> {
    while (this.#isStale && this.#state === "running") {
      this.#isStale = false;
      const failures = await this.#reconcile();
      if (failures === 0) continue;
      this.#retryTimer?.cancel();
      this.#retryTimer = this.#options.timers.after(RETRY_MS, () => this.#wake());
    }
  }

  /** One comparison; gives the number of replicas that could not be opened or closed. */
  async #reconcile(): Promise<number> {
    const { metadata, broker, logs, leaders } = this.#options;
    const { image } = metadata;
    if (this.#isStranger) {
      const message = "the cluster knows this broker by another data directory: nothing is opened";
      this.#options.logger.error({ broker }, message);
      return 0;
    }
    const wanted = wantedReplicas(image, broker);
    const placed = placedGroups(image);
    const tasks: (() => Promise<void>)[] = [];
    for (const [group, replica] of wanted) {
      const running = this.#running.get(group);
      if (running !== undefined) running.replica.updateTopic?.(replica.topic);
      else if (!this.#damaged.has(group)) tasks.push(() => this.#open(group, replica));
    }
    for (const { group, descriptor } of logs.groups()) {
      if (!isDeletedGroup(image, group, placed)) continue;
      tasks.push(() => this.#delete(group, descriptor.topic));
    }
    const failures = await this.#runAll(tasks);
    leaders.retain((group) => !isDeletedGroup(image, group, placed));
    return failures;
  }

  async #runAll(tasks: readonly (() => Promise<void>)[]): Promise<number> {
    let failures = 0;
    const pending = tasks[Symbol.iterator]();
    const work = async (): Promise<void> => {
      for (const task of pending) {
        try {
          await task();
        } catch (error) {
          failures++;
          this.#options.logger.error(
            { error },
            "a replica could not be opened or removed; retrying",
          );
        }
      }
    };
    await Promise.all(Array.from({ length: PARALLEL_MAX }, work));
    return failures;
  }

  async #open(group: GroupNumber, wanted: WantedReplica): Promise<void> {
    const { logs, host, openers, leaders } = this.#options;
    const { topic, partition, self } = wanted;
    const log = await logs.createGroup({
      group,
      kind: topic.kind === "coordinator" ? "coordinator" : "partition",
      topicId: topic.topicId,
      topic: topic.name,
      partition: partition.partition,
      replicaEpoch: self.replicaEpoch,
    });
    const replica = await openers[topic.kind]({ topic, partition, log });
    const isPreferred = partition.replicas[0]?.brokerId === self.brokerId;
    const raftGroup = host.addGroup({
      group,
      replicas: partition.replicas.map(replicaNumber),
      self: replicaNumber(self),
      appliedIndex: replica.appliedIndex,
      listener: ledGroupListener(replica.listener, (role) => {
        const leader = leaderOfRole(role);
        if (leader !== undefined) leaders.learn(group, leader);
        this.#options.onLedGroupsChange();
      }),
      priority: isPreferred ? "preferred" : "normal",
      // Only at the group's birth: afterwards the preferred replica may be behind the others.
      campaignAtOnce: isPreferred && log.lastIndex === 0,
    });
    replica.attach(raftGroup);
    this.#running.set(group, { wanted, replica, group: raftGroup });
  }

  async #delete(group: GroupNumber, topic: string | undefined): Promise<void> {
    const { logs, host, logger } = this.#options;
    const running = this.#running.get(group);
    this.#running.delete(group);
    await host.removeGroup(group);
    await running?.replica.close("deleted");
    await logs.dropGroup(group);
    this.#damaged.delete(group);
    logger.info({ group, topic }, "a replica of a deleted topic is gone");
  }

  #scheduleMaintenance(): void {
    this.#maintenanceTimer = this.#options.timers.after(MAINTENANCE_MS, () => {
      for (const { replica } of this.#running.values()) replica.maintain?.();
      this.#scheduleMaintenance();
    });
  }
}
