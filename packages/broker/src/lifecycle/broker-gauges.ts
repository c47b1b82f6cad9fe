import type { LogStore } from "@stratalog/log-store";
import type { RaftHost } from "@stratalog/raft-host";
import type { LeaderTable } from "../replicas/leader-table.ts";
import type { ReplicaRegistry } from "../replicas/replica-registry.ts";
import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";

/** Figures of the parts that count for themselves, read when somebody asks. */
export function addBrokerGauges(
  metrics: BrokerMetrics,
  parts: {
    readonly logs: LogStore;
    readonly raftHost: RaftHost;
    readonly replicas: ReplicaRegistry;
    readonly leaders: LeaderTable;
  },
): void {
  const { logs, raftHost, replicas, leaders } = parts;
  const gauge = (name: string, help: string, read: () => number): void =>
    metrics.addGauge({ name, help, read });
  const counter = (name: string, help: string, read: () => number): void =>
    metrics.addCounter({ name, help, read });
  gauge("raft_groups", "Raft groups with a replica here.", () => raftHost.stats().groupCount);
  gauge("raft_leaders", "Raft groups led from here.", () => raftHost.stats().leaderCount);
  counter("raft_leader_changes", "Groups that were seen to get a leader of a later term.", () => {
    return leaders.changeCount;
  });
  counter("raft_campaigns", "Times that a replica here asked for votes.", () => {
    return raftHost.stats().campaignCount;
  });
  counter("raft_elected", "Times that a replica here became the leader of its group.", () => {
    return raftHost.stats().electedCount;
  });
  gauge("raft_uncommitted_bytes", "Proposed and not yet applied.", () => {
    return raftHost.stats().uncommittedBytes;
  });
  counter(
    "raft_stalls",
    "Times that the event loop stood still for a third of an election.",
    () => {
      return raftHost.stats().stallCount;
    },
  );
  counter("wal_syncs", "Syncs of the write-ahead log.", () => logs.stats().walSyncs);
  counter("wal_bytes", "Bytes written to the write-ahead log.", () => logs.stats().walBytes);
  counter("wal_sync_seconds", "Time spent in syncs of the write-ahead log.", () => {
    return logs.stats().sumSyncMs / 1_000;
  });
  gauge("wal_sync_last_seconds", "Time of the last sync of the write-ahead log.", () => {
    return logs.stats().lastSyncMs / 1_000;
  });
  gauge("wal_sync_max_seconds", "Longest sync of the write-ahead log since the start.", () => {
    return logs.stats().maxSyncMs / 1_000;
  });
  gauge("tail_cache_bytes", "Newest records held in memory.", () => logs.stats().tailCacheBytes);
  gauge("pinned_bytes", "Records in memory that no segment has yet.", () => {
    return logs.stats().pinnedBytes;
  });
  gauge("damaged_replicas", "Replicas that stay closed because their files are damaged.", () => {
    return replicas.damaged.size;
  });
  gauge(
    "log_end_offset_sum",
    "Sum of the log end offsets of all partition replicas on this broker.",
    () => sumOf(replicas, (service) => service.logEndOffset),
  );
  gauge(
    "high_watermark_sum",
    "Sum of the high watermarks of all partition replicas on this broker.",
    () => sumOf(replicas, (service) => service.highWatermark),
  );
}

function sumOf(
  replicas: ReplicaRegistry,
  figure: (service: { readonly logEndOffset: number; readonly highWatermark: number }) => number,
): number {
  let sum = 0;
  for (const { replica } of replicas.running()) {
    if (replica.service !== undefined) sum += figure(replica.service);
  }
  return sum;
}
