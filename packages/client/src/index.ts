export { CodedError, type ErrorCode } from "@stratalog/base";
export type { Acks } from "@stratalog/protocol";
export type { Compression, RecordHeader } from "@stratalog/record-batch";
export { ConsumedBatch } from "./core/consumed-batch.ts";
export { ConsumedRecord } from "./core/consumed-record.ts";
export {
  type DeadLetter,
  deadLetterTopicOf,
  originalHeaders,
  readDeadLetter,
} from "./core/dead-letter.ts";
export { murmur2 } from "./core/murmur2.ts";
export { partitionOfKey } from "./core/partitioner.ts";
export type { TopicPartition } from "./core/topic-partition.ts";
export { bytes, json, type Serde, type StandardSchema, string } from "./core/serde.ts";
export type { ClientTls } from "./grpc/client-tls.ts";
export { type ConnectOptions, connect } from "./grpc/connect.ts";
export { Admin } from "./io/admin/admin.ts";
export type * from "./io/admin/admin-types.ts";
export type {
  FollowerDescription,
  PartitionReplication,
  ReplicationDescription,
} from "./io/admin/replication.ts";
export type { RevokeReason } from "./io/consume/consumer-events.ts";
export type {
  AssignedConsumerOptions,
  AssignedPartition,
  CommitMode,
  ConsumerOffset,
  ConsumerOptions,
  ConsumerPosition,
  GroupConsumerOptions,
  OffsetCommit,
  OffsetReset,
  SeekTime,
} from "./io/consume/consumer-options.ts";
export { Consumer } from "./io/consume/consumer.ts";
export type {
  DeadLetterOptions,
  HandlerContext,
  RecordHandler,
  RetryOptions,
  RunOptions,
} from "./io/consume/run-options.ts";
export type { MaterializeOptions } from "./io/materialize/materialize-options.ts";
export { MaterializedView } from "./io/materialize/materialized-view.ts";
export {
  MemorySnapshotStore,
  type SnapshotChange,
  type SnapshotStore,
  type StoredSnapshot,
} from "./io/materialize/snapshot-store.ts";
export { Producer } from "./io/producer/producer.ts";
export type { AppendRequest, SendBatch, WaitOptions } from "./io/producer/producer.ts";
export type { SendResult } from "./io/producer/send-waiter.ts";
export type { ProducerOptions } from "./io/producer/producer-options.ts";
export type { HeadersInput, ProducerRecord, RecordContent } from "./io/producer/producer-record.ts";
export { Replay } from "./io/replay/replay.ts";
export type { PartitionProgress, ReplayProgress } from "./io/replay/replay-progress.ts";
export type { ReplayOptions, ReplayPoint } from "./io/replay/replay-options.ts";
export type {
  ClientMetrics,
  CommittedEvent,
  FetchedEvent,
  GivenUpEvent,
  RebalanceEvent,
  StoredEvent,
} from "./io/telemetry.ts";
export { type ClientOptions, Stratalog } from "./io/stratalog.ts";
export type { ClientEnvironment } from "./ports/environment.ts";
export type { Connection, OutgoingStream, StreamListener, Transport } from "./ports/transport.ts";
