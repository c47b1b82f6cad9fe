import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import {
  type BrokerId,
  brokerId,
  type DirectoryId,
  encodeUtf8,
  groupNumber,
  machineClock,
  machineRandom,
  machineTimers,
  type PartitionNumber,
  type ReplicaEpoch,
  silentLogger,
  sleep,
  type TopicId,
} from "@stratalog/base";
import { frameCodec, LogStore, NodeFileSystem } from "@stratalog/log-store";
import { emptyImage, type MetadataImage, type TopicImage } from "@stratalog/metadata";
import { Deadlines, type PartitionService } from "@stratalog/partition";
import { type PeerAddress, PeerHub, type PeerLink, RaftHost } from "@stratalog/raft-host";
import { BatchBuilder } from "@stratalog/record-batch";
import { loadBrokerConfig } from "../config/load-broker-config.ts";
import { LevelKeyValueStore } from "../node/level-key-value-store.ts";
import { FullDisks } from "../replicas/full-disks.ts";
import { LeaderTable } from "../replicas/leader-table.ts";
import { LogStartNews } from "../replicas/log-start-news.ts";
import { partitionOpener } from "../replicas/open-partition.ts";
import { ReplicaRegistry } from "../replicas/replica-registry.ts";

/** An image with one topic, "orders", whose replicas are on these brokers. */
export function ordersImage(
  partitionCount: number,
  brokers: readonly number[],
  config: TopicImage["config"] = {},
): MetadataImage {
  const topic: TopicImage = {
    topicId: "3f6a0a3e-0000-4000-8000-000000000001" as TopicId,
    name: "orders",
    kind: "clients",
    replicationFactor: brokers.length,
    config,
    partitions: Array.from({ length: partitionCount }, (_, index) => ({
      partition: index as PartitionNumber,
      group: groupNumber(index + 1),
      replicas: rotate(brokers, index).map((id) => ({
        brokerId: brokerId(id),
        replicaEpoch: 1 as ReplicaEpoch,
      })),
    })),
  };
  const empty = emptyImage();
  return {
    ...empty,
    nextGroup: partitionCount + 1,
    topics: empty.topics.with(topic.topicId, topic),
    topicIds: empty.topicIds.with(topic.name, topic.topicId),
  };
}

function rotate(brokers: readonly number[], count: number): readonly number[] {
  const start = count % brokers.length;
  return [...brokers.slice(start), ...brokers.slice(0, start)];
}

/**
 * Replicas over the real log store, Raft host and key-value store, with metadata that is made up:
 * a broker's inside.
 */
export interface HostingNode {
  readonly id: BrokerId;
  partition(number: number): PartitionService;
  /** Stops cleanly. Rejects when storage failed meanwhile. */
  stop(): Promise<void>;
}

export interface HostingNodeOptions {
  /** Whether its disk counts as full, and it stores no records of other leaders. Default: never. */
  isDiskFull?(): boolean;
  readonly id: number;
  readonly directory: string;
  readonly image: MetadataImage;
  readonly link: PeerLink;
  readonly peers?: ReadonlyMap<BrokerId, PeerAddress>;
}

export async function startHostingNode(options: HostingNodeOptions): Promise<HostingNode> {
  const id = brokerId(options.id);
  const directory = join(options.directory, String(id));
  await mkdir(directory, { recursive: true });
  const isDiskFull = (): boolean => options.isDiskFull?.() === true;
  const clock = machineClock;
  const timers = machineTimers;
  const logger = silentLogger;
  const keyValue = await LevelKeyValueStore.open(join(directory, "kv"));
  const failures: Error[] = [];
  const onFatal = (error: Error): void => void failures.push(error);
  const fileSystem = new NodeFileSystem();
  const base = { fileSystem, keyValue, clock, timers, logger, directory, onFatal };
  const logs = await LogStore.open({ ...base, walFileBytes: 4 * 1024 * 1024 });
  const hub = new PeerHub({ self: id, link: options.link, timers, logger });
  hub.link.setHello({
    protocolVersion: 1,
    clusterId: "test",
    brokerId: id,
    directoryId: `directory-${id}`,
    incarnation: String(Math.round(machineClock.monotonicMs())),
  });
  if (options.peers !== undefined) hub.setPeers(options.peers);
  const host = new RaftHost({
    brokerId: id,
    clock,
    timers,
    random: machineRandom,
    storage: logs,
    codec: frameCodec,
    peers: hub.link,
    logger,
    takesRecords: () => !isDiskFull(),
    onGroupFailed: (group, { reason }) => onFatal(new Error(`group ${group}: ${reason}`)),
  });
  hub.attach(host);
  await hub.start();
  host.start();
  const deadlines = new Deadlines(clock, timers);
  const { topicDefaults } = loadBrokerConfig({ flags: ["node.id=1", `data.dir=${directory}`] });
  const opener = partitionOpener({
    clock,
    deadlines,
    keyValue,
    logger,
    defaults: topicDefaults,
    pressure: () => "none",
  });
  const registry = new ReplicaRegistry({
    broker: id,
    directoryId: `directory-${id}` as DirectoryId,
    metadata: { image: options.image, onChange: () => () => {} },
    logs,
    host,
    openers: { clients: opener, coordinator: opener },
    leaders: new LeaderTable(),
    onLedGroupsChange: () => {},
    timers,
    logger,
  });
  const channel = hub.gossip;
  const logStarts = new LogStartNews({ channel, replicas: registry });
  logStarts.start();
  const onFull = (broker: BrokerId): void => logStarts.tell(broker);
  const fullDisks = new FullDisks({ channel, clock, timers, isOwnFull: isDiskFull, onFull });
  fullDisks.start();
  await registry.start();
  return {
    id,
    partition(number) {
      const place = registry.lookup("orders", number);
      if (place.kind !== "local") throw new Error(`partition ${number} is ${place.kind}`);
      return place.replica;
    },
    async stop() {
      fullDisks.stop();
      await host.stop();
      await hub.stop();
      await registry.stop();
      await logs.close();
      await keyValue.close();
      deadlines.close();
      if (failures[0] !== undefined) throw failures[0];
    },
  };
}

/** A batch of one record of producer 9. */
export function sequencedBatch(value: string, sequence: number): Uint8Array {
  const builder = new BatchBuilder({ producerId: 9, producerEpoch: 0, baseSequence: sequence });
  builder.append({ key: null, value: encodeUtf8(value), timestampMs: 1_000 + sequence });
  return builder.build();
}

/** Produces to whichever node leads, again and again until it is stored. */
export async function produceSomewhere(
  nodes: readonly HostingNode[],
  partition: number,
  record: { readonly value: string; readonly sequence: number },
): Promise<{
  readonly baseOffset: number;
  readonly duplicate: boolean;
  readonly leader: BrokerId;
}> {
  for (let attempt = 0; ; attempt++) {
    const leader = nodes.find((node) => node.partition(partition).isLeader);
    try {
      if (leader === undefined) throw new Error(`nobody leads partition ${partition}`);
      const batch = sequencedBatch(record.value, record.sequence);
      const replica = leader.partition(partition);
      const answer = await replica.produce({ batch, acks: "all", timeoutMs: 3_000 });
      return { ...answer, leader: leader.id };
    } catch (error) {
      if (attempt > 1_000) throw error;
      await sleep(machineTimers, 10);
    }
  }
}
