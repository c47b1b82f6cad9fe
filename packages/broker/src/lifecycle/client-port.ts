import { brokerId } from "@stratalog/base";
import type { TopicConfigOverrides } from "@stratalog/metadata";
import type { BrokerConfig, LimitsConfig, ListenerConfig } from "../config/broker-config.ts";
import type { Environment } from "../environment.ts";
import { CallMemory } from "../grpc/call-memory.ts";
import type { ClientApi } from "../grpc/client-api.ts";
import { LISTENER_LIMITS, type ListenerLimits } from "../grpc/client-listener.ts";
import type { LeaderView } from "../replicas/replica-lookup.ts";
import type { ByteBudget } from "../services/byte-budget.ts";
import type { ClientPort } from "../services/client-port.ts";
import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import type { LateCluster } from "./late-cluster.ts";

/** Name of the listener for clients. */
export const CLIENT_LISTENER = "client";
/** Name of the second one, for clients that reach the broker by another address. */
export const EXTERNAL_LISTENER = "external";

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

/** What the ports for clients need of their broker. */
export interface ClientPortParts {
  readonly environment: Environment;
  readonly config: BrokerConfig;
  readonly cluster: LateCluster;
  readonly leaders: LeaderView;
  readonly metrics: BrokerMetrics;
}

/** The ports for clients that are open, by the name of their listener. */
export interface OpenClientPorts {
  readonly client: number;
  readonly external?: number;
}

/** All ports for clients, bound together and stopped together. */
export class ClientPorts {
  readonly #client: ClientApi;
  readonly #external: ClientApi | undefined;

  constructor(parts: ClientPortParts) {
    const { client, external } = parts.config.listeners;
    this.#client = createClientPort(parts, { name: CLIENT_LISTENER, config: client });
    if (external === undefined) return;
    // One bound on what all clients have in flight, whichever way they came.
    const { produceBudget, callMemory } = this.#client;
    const listener = { name: EXTERNAL_LISTENER, config: external, produceBudget, callMemory };
    this.#external = createClientPort(parts, listener);
  }

  /** Binds all. Rejects with ADDRESS_IN_USE or INVALID_CONFIG; `stop` frees what was bound. */
  async start(): Promise<OpenClientPorts> {
    const client = await this.#client.listener.start();
    if (this.#external === undefined) return { client };
    return { client, external: await this.#external.listener.start() };
  }

  setServing(isServing: boolean): void {
    for (const listener of this.#listeners) listener.setServing(isServing);
  }

  async stop(graceMs: number): Promise<void> {
    await Promise.all(this.#listeners.map((listener) => listener.stop(graceMs)));
  }

  get #listeners(): readonly ClientPort[] {
    const ports = this.#external === undefined ? [this.#client] : [this.#client, this.#external];
    return ports.map(({ listener }) => listener);
  }
}

/** One port with all services, not listening yet. */
function createClientPort(
  parts: ClientPortParts,
  listener: {
    readonly name: string;
    readonly config: ListenerConfig;
    readonly produceBudget?: ByteBudget;
    readonly callMemory?: CallMemory | undefined;
  },
): ClientApi {
  const { environment, config, cluster, leaders, metrics } = parts;
  const { clock, timers, steadyTime, random, logger } = environment;
  const { host, port, tls } = listener.config;
  const { produceBudget } = listener;
  const self = brokerId(config.nodeId);
  const { partitions, replicationFactor } = config.topicDefaults;
  const seeds = config.seeds.map((seed) => brokerId(seed.brokerId));
  return environment.openClientPort({
    listener: listener.name,
    host,
    port,
    tls,
    brokerId: self,
    clock,
    timers,
    steadyTime,
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
    ...(produceBudget === undefined ? {} : { produceBudget }),
    callMemory: listener.callMemory ?? callMemoryOf(config.limits),
    requestTimeoutMs: config.limits.requestTimeoutMs,
    metadataTopics: config.limits.metadataTopics,
    limits: listenerLimitsOf(config.limits),
  });
}

function callMemoryOf(limits: LimitsConfig): CallMemory {
  return new CallMemory({
    connectionBytes: limits.connectionBytes,
    totalBytes: limits.allConnectionsBytes,
    stalledMs: limits.stalledMs,
  });
}

function listenerLimitsOf(limits: LimitsConfig): ListenerLimits {
  return {
    connections: limits.connections,
    connectionsPerAddress: limits.connectionsPerAddress,
    handshakeMs: limits.handshakeMs,
    ageMs: limits.ageMs,
    ageGraceMs: LISTENER_LIMITS.ageGraceMs,
    streamsPerConnection: limits.streamsPerConnection,
    messageBytes: limits.requestBytes,
    headerBytes: limits.headerBytes,
    idleMs: limits.idleMs,
    keepaliveMs: limits.keepaliveMs,
    keepaliveTimeoutMs: limits.keepaliveTimeoutMs,
  };
}
