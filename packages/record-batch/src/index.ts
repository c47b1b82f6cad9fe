import { installNativeCrc32c } from "./node/native-crc32c.ts";

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

installNativeCrc32c();
