import { brokerId } from "@stratalog/base";
import type { TopicConfigOverrides } from "@stratalog/metadata";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { Environment } from "../environment.ts";
import type { ClientApi } from "../grpc/client-api.ts";
import type { LeaderView } from "../replicas/replica-lookup.ts";
import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import type { LateCluster } from "./late-cluster.ts";

/** Name of the one listener for clients. */
export const CLIENT_LISTENER = "client";

/**
 * Configuration that a topic of this broker has where it says nothing, under the names of topics'
 * settings.
 */
export function topicConfigDefaults(config: BrokerConfig): TopicConfigOverrides {
  const { segmentBytes, segmentMs, retentionMs, retentionBytes, maxMessageBytes } =
    config.topicDefaults;
  return {
    "segment.bytes": String(segmentBytes),
    "segment.ms": String(segmentMs),
    "retention.ms": String(retentionMs),
    "retention.bytes": String(retentionBytes),
    "max.message.bytes": String(maxMessageBytes),
  };
}

/** The client port with all services, not listening yet. */
export function openClientPort(options: {
  readonly environment: Environment;
  readonly config: BrokerConfig;
  readonly cluster: LateCluster;
  readonly leaders: LeaderView;
  readonly metrics: BrokerMetrics;
}): ClientApi {
  const { environment, config, cluster, leaders, metrics } = options;
  const { clock, timers, random, logger } = environment;
  const { host, port } = config.listeners.client;
  const self = brokerId(config.nodeId);
  const { partitions, replicationFactor } = config.topicDefaults;
  const seeds = config.seeds.map((seed) => brokerId(seed.brokerId));
  return environment.openClientPort({
    listener: CLIENT_LISTENER,
    host,
    port,
    brokerId: self,
    clock,
    timers,
    random,
    logger: logger.child({ part: "client-port" }),
    metrics,
    replicas: cluster.replicas,
    metadata: cluster.metadata,
    leaders,
    controller: cluster.controller,
    coordinator: cluster.coordinator,
    controllerVoters: seeds.length === 0 ? [self] : seeds,
    topicDefaults: {
      partitionCount: partitions,
      ...(replicationFactor === "auto" ? {} : { replicationFactor }),
      config: topicConfigDefaults(config),
    },
    produceInflightBytes: config.limits.produceInflightBytes,
    limits: { connections: config.limits.connections },
  });
}
