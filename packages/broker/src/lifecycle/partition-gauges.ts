import type { Group } from "@stratalog/groups";
import { parsePartitionKey } from "@stratalog/groups";
import type { ReplicaRegistry } from "../replicas/replica-registry.ts";
import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";

/** Groups and topics whose lag is shown: the furthest behind. */
const LAGS_MAX = 100;

/** What the figures are made of. */
export interface PartitionGaugeParts {
  readonly replicas: ReplicaRegistry;
  /** The groups that this broker coordinates. */
  groups(): Iterable<Group>;
}

/** How many records a group has left of a topic. */
export interface GroupLag {
  readonly group: string;
  readonly topic: string;
  readonly records: number;
}

/** Figures of the partitions and groups of a broker, read when somebody asks. */
export function addPartitionGauges(metrics: BrokerMetrics, parts: PartitionGaugeParts): void {
  const { replicas } = parts;
  metrics.addGauge({
    name: "partitions",
    help: "Partitions with a replica here.",
    read: () => countOf(replicas, () => true),
  });
  metrics.addGauge({
    name: "partitions_led",
    help: "Partitions led from here.",
    read: () => countOf(replicas, (group) => group.role === "leader"),
  });
  metrics.addGauge({
    name: "partitions_leaderless",
    help: "Partitions with a replica here that knows of no leader.",
    read: () => countOf(replicas, (group) => (group.leader ?? 0) === 0),
  });
  metrics.addLabelledGauge({
    name: "group_lag_records",
    help:
      `Records that a group coordinated here has left of a topic, of the ${LAGS_MAX} furthest ` +
      "behind; partitions without a replica here do not count.",
    labels: ["group", "topic"],
    read: () =>
      groupLags(parts).map(({ group, topic, records }) => ({
        labels: { group, topic },
        value: records,
      })),
  });
}

/** The groups that are furthest behind, the furthest first. */
export function groupLags({ groups, replicas }: GroupLagParts): readonly GroupLag[] {
  const lags: GroupLag[] = [];
  for (const { groupId, offsets } of groups()) {
    const byTopic = new Map<string, number>();
    for (const [key, { topic, offset }] of offsets) {
      const place = replicas.lookup(topic, parsePartitionKey(key).partition);
      if (place.kind !== "local") continue;
      const records = Math.max(0, place.replica.highWatermark - offset);
      byTopic.set(topic, (byTopic.get(topic) ?? 0) + records);
    }
    for (const [topic, records] of byTopic) lags.push({ group: groupId, topic, records });
  }
  return lags.toSorted((a, b) => b.records - a.records).slice(0, LAGS_MAX);
}

/** What a lag is made of. */
export interface GroupLagParts extends Pick<PartitionGaugeParts, "groups"> {
  readonly replicas: Pick<ReplicaRegistry, "lookup">;
}

function countOf(
  replicas: ReplicaRegistry,
  isCounted: (group: { readonly role: string; readonly leader: number | undefined }) => boolean,
): number {
  let count = 0;
  for (const { replica, group } of replicas.running()) {
    if (replica.service !== undefined && isCounted(group)) count++;
  }
  return count;
}
