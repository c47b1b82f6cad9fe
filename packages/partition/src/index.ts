export type { Frame } from "./ports/frame.ts";
export type * from "./ports/partition-service.ts";
export type { LogRead, ReadRange, ReplicaLog, TermRun } from "./ports/replica-log.ts";
export type {
  ProposeAnswer,
  Replication,
  ReplicationListener,
  RoleChange,
} from "./ports/replication.ts";
export { endOffsetForEpoch, type EpochEnd } from "./core/leader-epochs.ts";
export type { SegmentFacts } from "./core/retention.ts";
export type { StoragePressure } from "./io/appender.ts";
export { Deadlines } from "./io/deadlines.ts";
export { PartitionReplica, type PartitionReplicaOptions } from "./io/partition-replica.ts";
export type { SnapshotPlace } from "./io/snapshot-keeper.ts";
export {
  PARTITION_CONFIG_DEFAULTS,
  PARTITION_LIMITS,
  type PartitionConfig,
  type PartitionLimits,
} from "./partition-config.ts";
