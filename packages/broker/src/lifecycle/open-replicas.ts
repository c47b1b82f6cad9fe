import { type BrokerId, CONTROLLER_GROUP, type DirectoryId } from "@stratalog/base";
import type { LogStore } from "@stratalog/log-store";
import { Deadlines, type StoragePressure } from "@stratalog/partition";
import type { BrokerConfig } from "../config/broker-config.ts";
import { GroupCoordinators } from "../coordinator/group-coordinators.ts";
import { FullDisks } from "../replicas/full-disks.ts";
import {
  type HandOverOptions,
  type HandOverOutcome,
  handOverLeaderships,
} from "../replicas/hand-over.ts";
import { LeaderGossip } from "../replicas/leader-gossip.ts";
import type { LedGroup } from "../replicas/leader-news.ts";
import { LogStartNews } from "../replicas/log-start-news.ts";
import { partitionOpener } from "../replicas/open-partition.ts";
import { ReplicaRegistry } from "../replicas/replica-registry.ts";
import { underReplicatedCount } from "../services/replication-view.ts";
import { addBrokerGauges } from "./broker-gauges.ts";
import type { JoinedParts } from "./broker-parts.ts";
import type { OpenController } from "./controller-group.ts";
import { addPartitionGauges } from "./partition-gauges.ts";
import { DiskWatch } from "./disk-watch.ts";

/** What a broker holds and what services reach of it. */
export interface OpenReplicas {
  readonly replicas: ReplicaRegistry;
  readonly coordinator: GroupCoordinators;
}

/** Share of the time for a stop that handing over leaderships may take. */
const HAND_OVER_SHARE = 0.4;

/**
 * Prepares for what the metadata places on this broker, and tells the others what it leads. Nothing
 * is opened before `replicas.start`.
 */
export async function openReplicas(parts: JoinedParts): Promise<OpenReplicas> {
  const { brokerId, environment, config, storage, peers, leaders, stops, controller } = parts;
  const { clock, timers, steadyTime, random, logger } = environment;
  const { keyValue, identity } = storage.directory;
  const { view, client } = controller.node;
  const deadlines = new Deadlines(steadyTime.clock, steadyTime.timers);
  stops.add("deadlines", () => deadlines.close());
  const coordinator = new GroupCoordinators({
    brokerId,
    client,
    leaders,
    view,
    store: keyValue,
    clock,
    timers,
    random,
    logger: logger.child({ part: "groups" }),
    partitionCount: config.groups.partitions,
    replicationFactor: meantReplicationFactor(config),
    pingIntervalMs: config.groups.heartbeatIntervalMs,
    offsetsRetentionMs: config.groups.offsetsRetentionMs,
    requestTimeoutMs: config.limits.requestTimeoutMs,
    onFatal: (error) => environment.onFatal("the state of groups cannot be trusted", error),
  });
  const fullDisks = openFullDisks(parts, (broker) => logStarts.tell(broker));
  const clients = partitionOpener({
    clock,
    deadlines,
    keyValue,
    logger: logger.child({ part: "partitions" }),
    defaults: config.topicDefaults,
    pressure: (replicas) =>
      fullDisks.leaveNoMajority(replicas) ? "full" : pressureOf(storage.logs),
  });
  const replicas = new ReplicaRegistry({
    broker: brokerId,
    // It comes from the directory's own meta file, where it was drawn.
    directoryId: identity.directoryId as DirectoryId,
    metadata: view,
    logs: storage.logs,
    host: peers.raftHost,
    openers: { clients, coordinator: (place) => coordinator.openReplica(place) },
    leaders,
    onLedGroupsChange: () => gossip.tellSoon(),
    timers,
    logger: logger.child({ part: "replicas" }),
  });
  const gossip = new LeaderGossip({
    channel: peers.hub.gossip,
    table: leaders,
    ledGroups: () => [...replicas.ledGroups(), ...ledControllerGroup(controller)],
    timers: steadyTime.timers,
  });
  const logStarts = new LogStartNews({ channel: peers.hub.gossip, replicas });
  logStarts.start();
  await gossip.start();
  stops.add("leader gossip", () => gossip.stop());
  addGauges(parts, { replicas, coordinator });
  stops.add("replicas", () => replicas.stop());
  const stopHandOverMs = config.limits.shutdownTimeoutMs * HAND_OVER_SHARE;
  stops.add("leaderships", async () => {
    const { stillLed } = await handOver(parts, replicas, { timeoutMs: stopHandOverMs });
    logger.info({ stillLed }, "leaderships are handed over as far as others can take them");
  });
  watchDisk(parts, replicas, fullDisks);
  return { replicas, coordinator };
}

/** What operators see of replicas, groups and peers. */
function addGauges(parts: JoinedParts, { replicas, coordinator }: OpenReplicas): void {
  const { brokerId, storage, peers, leaders, metrics, controller } = parts;
  const { raftHost } = peers;
  addBrokerGauges(metrics, { logs: storage.logs, raftHost, replicas, leaders });
  addPartitionGauges(metrics, { replicas, groups: () => coordinator.ledGroups() });
  metrics.addGauge({
    name: "peers_connected",
    help: "Other brokers that this one can send to.",
    read: () => peers.hub.peersUp().size,
  });
  const replication = { brokerId, metadata: controller.node.view, replicas };
  metrics.addGauge({
    name: "under_replicated_partitions",
    help: "Partitions led from here of which a replica is out of reach or must catch up.",
    read: () => underReplicatedCount(replication),
  });
}

/** A disk that does not answer for as long as a follower would wait for its leader, or is full. */
function watchDisk(parts: JoinedParts, replicas: ReplicaRegistry, fullDisks: FullDisks): void {
  const { environment, config, storage, stops } = parts;
  const { electionMs } = config.raft;
  const watch = new DiskWatch({
    timers: environment.steadyTime.timers,
    logger: environment.logger.child({ part: "disk" }),
    stuckMs: electionMs,
    batchUnderWay: () => storage.logs.stats().walBatchUnderWay,
    isFull: () => storage.logs.stats().isDiskFull,
    handOver: () =>
      handOver(parts, replicas, {
        timeoutMs: electionMs,
        hasRoom: (broker) => !fullDisks.isFull(broker),
      }),
  });
  watch.start();
  stops.add("disk watch", () => watch.stop());
}

/** Which brokers say that their disks are full, and the same told of this one. */
function openFullDisks(parts: JoinedParts, onFull: (broker: BrokerId) => void): FullDisks {
  const { environment, storage, peers, stops } = parts;
  const fullDisks = new FullDisks({
    channel: peers.hub.gossip,
    ...environment.steadyTime,
    isOwnFull: () => storage.logs.stats().isDiskFull,
    onFull,
  });
  fullDisks.start();
  stops.add("full disks", () => fullDisks.stop());
  return fullDisks;
}

function pressureOf(logs: LogStore): StoragePressure {
  if (!logs.isOverloaded) return "none";
  return logs.stats().isDiskFull ? "full" : "busy";
}

/**
 * Replicas of a topic that the cluster makes for itself. By the seeds and not by the brokers that
 * happen to be up: a topic
 * made early would stay with one replica for good.
 */
function meantReplicationFactor({ seeds, topicDefaults }: BrokerConfig): number {
  if (topicDefaults.replicationFactor !== "auto") return topicDefaults.replicationFactor;
  return seeds.length >= 3 ? 3 : 1;
}

/** Asks other brokers to take over what is led here. */
function handOver(
  parts: JoinedParts,
  replicas: ReplicaRegistry,
  limits: { readonly timeoutMs: number; readonly hasRoom?: (broker: BrokerId) => boolean },
): Promise<HandOverOutcome> {
  const { environment, peers, controller } = parts;
  const own: ReturnType<HandOverOptions["groups"]> =
    controller.group === undefined
      ? []
      : [{ replicas: controller.replicas, group: controller.group }];
  return handOverLeaderships({
    groups: () => [
      ...own,
      ...Array.from(replicas.running(), ({ wanted, group }) => {
        return { replicas: wanted.partition.replicas, group };
      }),
    ],
    // A broker that is fenced is stopping too, or as good as dead.
    isUp: (broker) =>
      peers.isUp(broker) &&
      limits.hasRoom?.(broker) !== false &&
      controller.node.view.image.brokers.get(broker)?.isFenced === false,
    ...environment.steadyTime,
    timeoutMs: limits.timeoutMs,
  });
}

function ledControllerGroup({ group }: OpenController): readonly LedGroup[] {
  if (group === undefined || group.role !== "leader") return [];
  return [{ group: CONTROLLER_GROUP, term: group.term }];
}
