export type { Frame } from "./ports/frame.ts";
export type * from "./ports/partition-service.ts";
export type { LogRead, ReadRange, ReplicaLog, TermRun } from "./ports/replica-log.ts";
export type {
  ProposeAnswer,
  Replication,
  ReplicationListener,
  RoleChange,
} from "./ports/replication.ts";
