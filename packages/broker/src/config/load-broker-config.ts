import { CodedError } from "@stratalog/base";
import type { BrokerConfig, LimitsConfig } from "./broker-config.ts";
import {
  type ConfigFile,
  type GivenValue,
  valuesOfEnvironment,
  valuesOfFile,
  valuesOfFlags,
} from "./config-sources.ts";
import { defaultPort, listenerProblems, listenersOf } from "./listener-config.ts";
import { nearestName } from "./nearest-name.ts";
import { parseSeed } from "./seed.ts";
import { settingRule } from "./setting-rules.ts";
import {
  brokerSettings,
  isSettingName,
  SETTING_NAMES,
  type SettingName,
  type SettingValues,
} from "./settings.ts";

/**
 * Where values come from; a later source wins over an earlier one: defaults, file, environment,
 * flags.
 */
export interface ConfigSources {
  readonly file?: ConfigFile;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Each `key=value`. */
  readonly flags?: readonly string[];
}

/** What surrounds a batch in a message. */
const MESSAGE_OVERHEAD_BYTES = 64 * 1024;
const PORT_MAX = 65_535;

/**
 * Puts the sources together and checks every value. Errors: INVALID_CONFIG with one line per
 * problem, each with the setting, the value, where it came from and what is allowed.
 */
export function loadBrokerConfig(sources: ConfigSources): BrokerConfig {
  const given = [
    ...(sources.file === undefined ? [] : valuesOfFile(sources.file)),
    ...valuesOfEnvironment(sources.environment ?? {}),
    ...valuesOfFlags(sources.flags ?? []),
  ];
  const problems: string[] = given.flatMap((item) => unknownKey(item) ?? []);
  // A later source replaces an earlier one, so only the winner is checked.
  const winners = new Map(given.map((item) => [item.key, item]));
  const raw: Record<string, unknown> = {};
  for (const key of SETTING_NAMES) {
    const winner = winners.get(key);
    const problem = checkValue(key, winner);
    if (problem !== undefined) problems.push(problem);
    else if (winner !== undefined) raw[key] = winner.value;
  }
  refuse(problems);
  const values = brokerSettings.parse(raw);
  refuse(contradictions(values));
  return toBrokerConfig(values);
}

function refuse(problems: readonly string[]): void {
  if (problems.length === 0) return;
  const message =
    problems.length === 1
      ? (problems[0] ?? "")
      : `${problems.length} problems:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`;
  throw new CodedError("INVALID_CONFIG", message, { details: { problems: problems.length } });
}

function unknownKey(item: GivenValue): string | undefined {
  if (isSettingName(item.key)) return undefined;
  const nearest = nearestName(item.key, SETTING_NAMES);
  const advice =
    nearest === undefined ? "see `strata broker --settings`" : `did you mean "${nearest}"?`;
  return `unknown configuration key "${item.key}" (${item.origin}); ${advice}`;
}

function checkValue(key: SettingName, winner: GivenValue | undefined): string | undefined {
  if (brokerSettings.shape[key].safeParse(winner?.value).success) return undefined;
  const rule = settingRule(key);
  if (winner === undefined) return `${key} is missing; it must be ${rule.allowed}`;
  const shown = JSON.stringify(winner.value) ?? "nothing";
  return `${key} is ${shown.slice(0, 80)} (${winner.origin}); it must be ${rule.allowed}`;
}

function contradictions(values: SettingValues): string[] {
  const problems: string[] = [];
  const nodeId = values["node.id"];
  if (defaultPort("http", nodeId) > PORT_MAX) {
    for (const listener of ["client", "peer", "http"] as const) {
      if (values[`listeners.${listener}.port`] === undefined) {
        problems.push(`node.id ${nodeId} has no default port: set listeners.${listener}.port`);
      }
    }
  }
  if (values["raft.election.ms"] < 3 * values["raft.heartbeat.ms"]) {
    problems.push("raft.election.ms must be at least three times raft.heartbeat.ms");
  }
  if (values["broker.session.timeout.ms"] <= values["broker.heartbeat.interval.ms"]) {
    problems.push("broker.session.timeout.ms must be larger than broker.heartbeat.interval.ms");
  }
  // A message of a client holds a batch and a little more; one of a broker the same as a frame.
  const batchBytes = values["max.message.bytes"] + MESSAGE_OVERHEAD_BYTES;
  for (const key of ["socket.request.max.bytes", "peer.message.max.bytes"] as const) {
    if (values[key] < batchBytes) {
      problems.push(`${key} must be at least max.message.bytes and ${MESSAGE_OVERHEAD_BYTES} more`);
    }
  }
  if (values["connection.max.bytes"] < values["socket.request.max.bytes"]) {
    problems.push("connection.max.bytes must be at least socket.request.max.bytes");
  }
  if (values["connections.max.bytes"] < values["connection.max.bytes"]) {
    problems.push("connections.max.bytes must be at least connection.max.bytes");
  }
  const ids = values.seeds.map((text) => parseSeed(text)?.brokerId);
  if (new Set(ids).size !== ids.length) problems.push("seeds names a broker twice");
  if (ids.length > 0 && ids.length % 2 === 0) {
    problems.push(`seeds has ${ids.length} voters; it must have 1, 3 or 5`);
  }
  problems.push(...listenerProblems(values));
  return problems;
}

function toBrokerConfig(values: SettingValues): BrokerConfig {
  return {
    nodeId: values["node.id"],
    dataDir: values["data.dir"],
    seeds: values.seeds.flatMap((text) => parseSeed(text) ?? []),
    rack: values.rack,
    insecure: values.insecure,
    logLevel: values["log.level"],
    listeners: listenersOf(values),
    raft: { heartbeatMs: values["raft.heartbeat.ms"], electionMs: values["raft.election.ms"] },
    storage: {
      walFileBytes: values["wal.file.bytes"],
      checkpointIntervalMs: values["wal.checkpoint.interval.ms"],
      tailCacheBytes: values["tail.cache.bytes"],
      flushBytes: values["segment.flush.bytes"],
      flushMs: values["segment.flush.ms"],
      indexIntervalBytes: values["index.interval.bytes"],
      diskReserveBytes: values["disk.reserve.bytes"],
    },
    topicDefaults: {
      partitions: values["num.partitions"],
      replicationFactor: values["default.replication.factor"] ?? "auto",
      segmentBytes: values["segment.bytes"],
      segmentMs: values["segment.ms"],
      retentionMs: values["retention.ms"],
      retentionBytes: values["retention.bytes"],
      maxMessageBytes: values["max.message.bytes"],
    },
    liveness: {
      heartbeatIntervalMs: values["broker.heartbeat.interval.ms"],
      sessionTimeoutMs: values["broker.session.timeout.ms"],
    },
    groups: {
      partitions: values["groups.topic.num.partitions"],
      heartbeatIntervalMs: values["group.heartbeat.interval.ms"],
      offsetsRetentionMs: values["offsets.retention.ms"],
    },
    limits: limitsOf(values),
  };
}

function limitsOf(values: SettingValues): LimitsConfig {
  return {
    connections: values["max.connections"],
    connectionsPerAddress: values["max.connections.per.ip"],
    handshakeMs: values["connection.handshake.timeout.ms"],
    idleMs: values["connections.max.idle.ms"],
    ageMs: values["connection.max.age.ms"],
    keepaliveMs: values["connection.keepalive.interval.ms"],
    keepaliveTimeoutMs: values["connection.keepalive.timeout.ms"],
    streamsPerConnection: values["connection.max.streams"],
    headerBytes: values["connection.max.header.bytes"],
    requestBytes: values["socket.request.max.bytes"],
    connectionBytes: values["connection.max.bytes"],
    allConnectionsBytes: values["connections.max.bytes"],
    stalledMs: values["connection.stalled.timeout.ms"],
    produceInflightBytes: values["produce.inflight.max.bytes"],
    requestTimeoutMs: values["request.timeout.ms"],
    metadataTopics: values["metadata.max.topics"],
    peerHandshakes: values["peer.max.handshakes"],
    peerHandshakeMs: values["peer.handshake.timeout.ms"],
    peerMessageBytes: values["peer.message.max.bytes"],
    httpConnections: values["http.max.connections"],
    shutdownTimeoutMs: values["shutdown.timeout.ms"],
  };
}
