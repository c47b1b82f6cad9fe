// For users: the replica and what goes in and out of it.
export { RaftInvariantError } from "./core/assert.ts";
export type { InitialState, LogStorage } from "./core/log-storage.ts";
export type * from "./core/messages.ts";
export type { RaftOptions, ReadMode } from "./core/options.ts";
export type { ConfChangeRefusal, ProposeRefusal, ProposeResult } from "./core/proposals.ts";
export { RaftNode, type StepResult } from "./core/raft-node.ts";
export type { ReadIndexResult } from "./core/read-index.ts";
export type { Ready, Want } from "./core/ready.ts";
export type { BasicStatus, ProgressState, ProgressStatus, Status } from "./core/status.ts";
export * from "./core/types.ts";
export { MemoryStorage } from "./memory/memory-storage.ts";
