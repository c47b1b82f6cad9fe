import type { Clock, KeyValueStore, Logger, ReplicaIdentity } from "@stratalog/base";
import { resolveTopicConfig, type TopicConfig, type TopicImage } from "@stratalog/metadata";
import { type Deadlines, PartitionReplica, type StoragePressure } from "@stratalog/partition";
import type { TopicDefaults } from "../config/broker-config.ts";
import type { HostedLog, ReplicaOpener } from "./hosting.ts";

export interface PartitionOpenerOptions {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly keyValue: KeyValueStore;
  readonly logger: Logger;
  readonly defaults: TopicDefaults;
  /** How the disks are behind a partition with these replicas. */
  readonly pressure: (replicas: readonly ReplicaIdentity[]) => StoragePressure;
}

/** Opens replicas of topics that hold records of clients. */
export function partitionOpener(options: PartitionOpenerOptions): ReplicaOpener {
  const { clock, deadlines, keyValue, logger, defaults, pressure } = options;
  return async ({ topic, partition, log }) => {
    const config = effectiveConfig(topic, defaults);
    let { replicas } = partition;
    configureLog(log, config);
    const replica = await PartitionReplica.open({
      topic: topic.name,
      partition: partition.partition,
      log,
      clock,
      deadlines,
      logger,
      config,
      pressure: () => pressure(replicas),
      snapshots: { store: keyValue, key: `partition/${partition.group}` },
    });
    return {
      listener: replica,
      appliedIndex: replica.appliedIndex,
      service: replica,
      attach: (group) => replica.attach(group),
      updateTopic: (changed) => {
        replicas = changed.partitions[partition.partition]?.replicas ?? replicas;
        const next = effectiveConfig(changed, defaults);
        configureLog(log, next);
        replica.updateConfig(next);
      },
      maintain: () => replica.maintain(),
      forgetBelow: (offset) => replica.forgetBelow(offset),
      close: (reason) => replica.close(reason),
    };
  };
}

/**
 * A topic's configuration where the topic says nothing: what this broker was told, then the
 * defaults.
 */
function effectiveConfig(topic: TopicImage, defaults: TopicDefaults): TopicConfig {
  return resolveTopicConfig({
    "segment.bytes": String(defaults.segmentBytes),
    "segment.ms": String(defaults.segmentMs),
    "retention.ms": String(defaults.retentionMs),
    "retention.bytes": String(defaults.retentionBytes),
    "max.message.bytes": String(defaults.maxMessageBytes),
    ...topic.config,
  });
}

function configureLog(log: HostedLog, config: TopicConfig): void {
  log.segmentBytes = config.segmentBytes;
  log.segmentMs = config.segmentMs;
}
