export type { SegmentFacts } from "./core/checkpoint-format.ts";
export {
  FRAME_HEADER_BYTES,
  FRAME_PAYLOAD_BYTES_MAX,
  type Frame,
  type FrameFields,
  type FrameKind,
  LogFrame,
} from "./core/frame.ts";
export {
  createFrame,
  decodeFrame,
  encodeFrame,
  type FrameDecoding,
  frameCodec,
} from "./core/frame-codec.ts";
export type { GroupDescriptor, GroupKind } from "./core/group-descriptor.ts";
export type { StoredHardState } from "./core/hard-state.ts";
export type { TermRun } from "./core/term-runs.ts";
export type { LogReset } from "./core/wal-records.ts";
export { GroupLog } from "./io/group-log.ts";
export type { ReadRequest, ReadResult } from "./io/group-reader.ts";
export {
  type GroupWrite,
  LogStore,
  type RecoveredGroup,
} from "./io/log-store.ts";
export {
  type GroupReport,
  type InspectOptions,
  inspectLogs,
  type LogProblem,
  type LogReport,
  type SegmentReport,
  type WalFileReport,
} from "./io/log-inspector.ts";
export { NodeFileSystem } from "./io/node-file-system.ts";
export type { LogStoreOptions } from "./io/store-options.ts";
export type { LogStoreStats } from "./io/store-stats.ts";
export {
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  FileSystemError,
  type FileSystemErrorCode,
} from "./ports/file-system.ts";
