// For users: the replica and what goes in and out of it.
export type { InitialState, LogStorage } from "./core/log-storage.ts";
export type * from "./core/messages.ts";
export { type RaftOptions, type ReadMode } from "./core/options.ts";
export { type ProposeResult, RaftNode, type ReadIndexResult } from "./core/raft-node.ts";
export type { Ready, Want } from "./core/ready.ts";
export type { BasicStatus, ProgressState, ProgressStatus, Status } from "./core/status.ts";
export * from "./core/types.ts";
