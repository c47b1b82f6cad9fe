export type {
  Done,
  GroupContext,
  GroupRefusal,
  GroupResult,
} from "./core/commands/command-result.ts";
export type { CommitOffsets, OffsetToCommit } from "./core/commands/commit-offsets.ts";
export type { Join, Joined } from "./core/commands/join.ts";
export type { ExpireMember, Leave } from "./core/commands/leave.ts";
export type { Report } from "./core/commands/report.ts";
export type { TopicsChanged } from "./core/commands/topics-changed.ts";
export {
  coordinatorPartition,
  GROUPS_PARTITION_COUNT,
  GROUPS_TOPIC,
} from "./core/coordinator-partition.ts";
export * from "./core/describe.ts";
export * from "./core/group.ts";
export {
  type GroupCommand,
  type GroupResponse,
  type GroupResponseOf,
  type GroupResponses,
  handle,
} from "./core/group-command.ts";
export * from "./core/limits.ts";
export * from "./core/partition-key.ts";
export {
  type GroupRecord,
  type OffsetFields,
  recordFromJson,
  recordToJson,
} from "./core/records.ts";
export { replay, replayAll } from "./core/replay.ts";
export { decodeSnapshot, encodeSnapshot, offsetFields, recordsOf } from "./core/snapshot.ts";
export type { TopicShape, TopicsView } from "./core/topics-view.ts";
