import { z } from "zod";
import { limitSettings } from "./limit-settings.ts";
import { parseSeed } from "./seed.ts";
import { listOf, scalarOf, text, whole } from "./setting-types.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;
const TIB = 1024 * GIB;
const SECOND_MS = 1000;
const DAY_MS = 86_400 * SECOND_MS;
const INT32_MAX = 0x7fff_ffff;
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** Whether whoever connects must show a certificate. */
function clientAuth(fallback: "none" | "required") {
  return z
    .enum(["none", "required"])
    .default(fallback)
    .describe("With TLS: whether whoever connects must show a certificate.");
}

const port = () => whole(0, 65_535);
const seed = z.string().refine((item) => parseSeed(item) !== undefined);

/**
 * Every setting of a broker under the name that files, environment and flags use, with its type,
 * range, default and meaning. Names are Kafka's where Kafka has one; units end the name.
 */
export const brokerSettings = z.object({
  "node.id": whole(1, 65_535).describe("Number of this broker in its cluster; never reused."),
  "data.dir": text().describe("Directory of this broker's data; one broker each."),
  seeds: z
    .preprocess(listOf, z.array(seed).max(5))
    .default([])
    .describe(
      "Initial controller voters, 1, 3 or 5 of them, as id@host:port of their peer listeners; " +
        "the same list on every broker. Empty: a cluster of this broker alone.",
    ),
  rack: text().optional().describe("Failure domain; replicas of a partition avoid sharing one."),
  insecure: z
    .preprocess(scalarOf, z.boolean())
    .default(false)
    .describe("Allows listeners beyond loopback without TLS; said again every minute."),
  "log.level": z
    .enum(["debug", "info", "warn", "error", "silent"])
    .default("info")
    .describe("Least important lines that are logged."),

  "listeners.client.host": text().default("127.0.0.1").describe("Where clients connect (gRPC)."),
  "listeners.client.port": port()
    .optional()
    .describe("Unset: 9095 + 10 * node.id; 0: any free port."),
  "listeners.client.advertised.host": text().optional().describe("Host that clients are told."),
  "listeners.client.advertised.port": port().optional().describe("Port that clients are told."),
  "listeners.client.tls.cert.file": text()
    .optional()
    .describe("Certificate chain, PEM; turns TLS on."),
  "listeners.client.tls.key.file": text()
    .optional()
    .describe("Private key of the certificate, PEM."),
  "listeners.client.tls.ca.file": text()
    .optional()
    .describe("Authorities that clients must be signed by, PEM."),
  "listeners.client.tls.client.auth": clientAuth("none"),
  "listeners.external.port": port()
    .optional()
    .describe("Opens a second port for clients that reach the broker by another address."),
  "listeners.external.host": text().default("127.0.0.1").describe("Where it is bound."),
  "listeners.external.advertised.host": text()
    .optional()
    .describe("Host that clients of the external port are told."),
  "listeners.external.advertised.port": port()
    .optional()
    .describe("Port that clients of the external port are told."),
  "listeners.external.tls.cert.file": text()
    .optional()
    .describe("Certificate chain, PEM; turns TLS on."),
  "listeners.external.tls.key.file": text()
    .optional()
    .describe("Private key of the certificate, PEM."),
  "listeners.external.tls.ca.file": text()
    .optional()
    .describe("Authorities that clients must be signed by, PEM."),
  "listeners.external.tls.client.auth": clientAuth("none"),
  "listeners.peer.host": text().default("127.0.0.1").describe("Where other brokers connect (TCP)."),
  "listeners.peer.port": port()
    .optional()
    .describe("Unset: 9093 + 10 * node.id; 0: any free port."),
  "listeners.peer.advertised.host": text().optional().describe("Host that brokers are told."),
  "listeners.peer.advertised.port": port().optional().describe("Port that brokers are told."),
  "listeners.peer.tls.cert.file": text()
    .optional()
    .describe("Certificate chain, PEM; turns TLS on."),
  "listeners.peer.tls.key.file": text().optional().describe("Private key of the certificate, PEM."),
  "listeners.peer.tls.ca.file": text()
    .optional()
    .describe("Authorities that the other brokers must be signed by, PEM."),
  "listeners.peer.tls.client.auth": clientAuth("required"),
  "listeners.http.host": text()
    .default("127.0.0.1")
    .describe("Where /healthz, /readyz and /metrics are served."),
  "listeners.http.port": port()
    .optional()
    .describe("Unset: 9644 + 10 * node.id; 0: any free port."),
  "listeners.http.tls.cert.file": text()
    .optional()
    .describe("Certificate chain, PEM; turns TLS on."),
  "listeners.http.tls.key.file": text().optional().describe("Private key of the certificate, PEM."),
  "listeners.http.tls.ca.file": text()
    .optional()
    .describe("Authorities that whoever looks must be signed by, PEM."),
  "listeners.http.tls.client.auth": clientAuth("none"),

  "raft.heartbeat.ms": whole(10, 60_000).default(150).describe("Beat of a leader."),
  "raft.election.ms": whole(50, 600_000)
    .default(1500)
    .describe("Silence before a follower stands, drawn up to twice this; at least 3 heartbeats."),

  "wal.file.bytes": whole(MIB, 4 * GIB)
    .default(64 * MIB)
    .describe("Size of one write-ahead log file."),
  "wal.checkpoint.interval.ms": whole(100, DAY_MS)
    .default(30 * SECOND_MS)
    .describe("Longest time between checkpoints while there are writes."),
  "tail.cache.bytes": whole(4 * MIB, 64 * GIB)
    .default(64 * MIB)
    .describe("Memory for the newest records of all partitions, written or not."),
  "segment.flush.bytes": whole(4 * KIB, GIB)
    .default(64 * KIB)
    .describe("Unwritten bytes of a partition that are worth a write to its segment."),
  "segment.flush.ms": whole(1, 60_000)
    .default(250)
    .describe("Longest time before records are written to their segment."),
  "index.interval.bytes": whole(256, GIB)
    .default(4096)
    .describe("Bytes of records between two entries of a segment's index."),
  "disk.reserve.bytes": whole(0, TIB)
    .default(256 * MIB)
    .describe(
      "Free bytes of the data directory's disk below which producers are refused; what is left " +
        "is kept for votes, truncation, retention and checkpoints. At most half of the disk; 0: none.",
    ),

  "num.partitions": whole(1, 10_000).default(1).describe("Partitions of a topic that names none."),
  "default.replication.factor": whole(1, 7)
    .optional()
    .describe(
      "Replicas of a topic that names none. Unset: 1 below three brokers, 3 from three on.",
    ),
  "segment.bytes": whole(MIB, INT32_MAX).default(GIB).describe("Size at which a segment rolls."),
  "segment.ms": whole(1000, SAFE_MAX)
    .default(7 * DAY_MS)
    .describe("Age at which a segment rolls."),
  "retention.ms": whole(-1, SAFE_MAX)
    .default(-1)
    .describe("Age at which records go; -1 keeps them."),
  "retention.bytes": whole(-1, SAFE_MAX)
    .default(-1)
    .describe("Size of a partition above which its oldest records go; -1 keeps them."),
  "max.message.bytes": whole(KIB, 64 * MIB)
    .default(MIB)
    .describe("Largest record batch."),

  "broker.heartbeat.interval.ms": whole(50, 60_000)
    .default(2 * SECOND_MS)
    .describe("Beat of a broker towards the controller."),
  "broker.session.timeout.ms": whole(200, 600_000)
    .default(9 * SECOND_MS)
    .describe("Silence after which the controller fences a broker."),

  "groups.topic.num.partitions": whole(1, 256)
    .default(8)
    .describe("Partitions of the internal topic of consumer groups; fixed at its creation."),
  "group.heartbeat.interval.ms": whole(100, 60_000)
    .default(5 * SECOND_MS)
    .describe("Beat that members of groups are asked for."),
  "offsets.retention.ms": whole(60 * SECOND_MS, SAFE_MAX)
    .default(7 * DAY_MS)
    .describe(
      "How long a group without members is kept after its last member or commit, with its " +
        "offsets; and the offsets of topics that a group does not read any more.",
    ),

  ...limitSettings,
  "shutdown.timeout.ms": whole(100, 600_000)
    .default(10 * SECOND_MS)
    .describe("Longest that a graceful stop may take."),
});

/** Checked values of all settings under their outside names. */
export type SettingValues = z.output<typeof brokerSettings>;

/** Outside name of a setting. */
export type SettingName = keyof typeof brokerSettings.shape;

/** Names of all settings, in the order of the reference table. */
// `Object.keys` widens to text; the shape's own keys are exactly the names.
export const SETTING_NAMES = Object.keys(brokerSettings.shape) as readonly SettingName[];

/** Whether a text names a setting. */
export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(brokerSettings.shape, name);
}
