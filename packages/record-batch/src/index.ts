import { installNativeCrc32c } from "./node/native-crc32c.ts";

export {
  BatchBuilder,
  type BatchBuilderOptions,
  type ProducerFields,
  patchProducer,
} from "./core/batch-builder.ts";
export {
  BATCH_RECORDS_MAX,
  type BatchRules,
  type BatchValidation,
  validateBatch,
} from "./core/batch-validation.ts";
export type { OpenedBatch } from "./core/codec.ts";
export type { Compression } from "./core/compression.ts";
export { crc32c } from "./core/crc32c.ts";
export {
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC,
  type BatchHeader,
  baseOffsetOf,
  baseSequenceOf,
  baseTimestampOf,
  batchLengthOf,
  compressionTypeOf,
  crcOf,
  endOffsetOf,
  isControl,
  isLogAppendTime,
  isTransactional,
  lastOffsetDeltaOf,
  leaderEpochOf,
  magicOf,
  maxTimestampOf,
  patchBaseOffset,
  patchLeaderEpoch,
  producerEpochOf,
  producerIdOf,
  readBatchHeader,
  recordCountOf,
  totalBytesOf,
} from "./core/header.ts";
export type { BatchFailure, RecordHeader, RecordInput, RecordView } from "./core/record.ts";
export { RecordCursor } from "./core/record-cursor.ts";
export {
  compressBatch,
  DECOMPRESSED_BYTES_MAX,
  decodeBatch,
  isCodecLoaded,
  loadCodec,
  type OpenOptions,
  openBatch,
} from "./node/codecs.ts";

installNativeCrc32c();
