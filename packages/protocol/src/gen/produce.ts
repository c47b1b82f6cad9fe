// Generated from proto/stratalog/v1/produce.proto by scripts/generate.ts.
// Do not edit; a test compares.
import type { BidiMethod, UnaryMethod } from "../method.ts";
import type { WireError } from "./error.ts";
import type { WireRecord } from "./record.ts";

/**
 * Appends records to partitions. Ask the broker that leads the partition; another one answers
 * NOT_LEADER with a hint.
 */
export interface ProduceService {
  /**
   * The fast way: whole RecordBatch v2 batches, as many in flight as the client likes. Every append
   * gets exactly one result, matched by correlation, in any order across partitions and in order
   * within one. When the broker's memory for batches in flight is full it stops reading the stream;
   * writes then wait in HTTP/2 flow control. Ending the stream from the client's side lets appends
   * in flight finish; cancelling it abandons their answers, not their effects.
   */
  readonly produceStream: BidiMethod<ProduceStreamRequest, ProduceStreamResponse>;
  /**
   * The plain way: structured records to one partition, as one uncompressed batch: all of them or
   * none are appended. Not idempotent: a retry after REQUEST_TIMED_OUT or OUTCOME_UNKNOWN may store
   * the records twice, unless expected_offset is given.
   */
  readonly produce: UnaryMethod<ProduceRequest, ProduceResponse>;
}

/** When an append counts as done. */
export type Acks =
  | "ACKS_UNSPECIFIED"
  | "ACKS_ALL"
  | "ACKS_LEADER"
  | "ACKS_NONE";

/**
 * Some batches. Gather what is ready for all partitions of the broker into one message of 64 to 512
 * KiB.
 */
export interface ProduceStreamRequest {
  /**
   * The batches, in the order in which they are to be appended. 1 to 1,024; the message at most 16
   * MiB.
   */
  readonly appends: readonly BatchAppend[];
}

/** One batch for one partition. */
export interface BatchAppend {
  /**
   * Number chosen by the client, unique among its appends in flight on this stream; comes back in
   * the result. Up to 2^53-1.
   */
  readonly correlation: number;
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /**
   * Exactly one RecordBatch v2, big-endian, as in Kafka: magic 2, CRC-32C over what follows it,
   * count equal to lastOffsetDelta + 1, not a control batch. Compression none, gzip or zstd. Base
   * offset and leader epoch are overwritten by the broker. At most the topic's max.message.bytes
   * (default 1 MiB).
   */
  readonly batch: Uint8Array;
  /** When the append counts as done. Default ACKS_ALL. */
  readonly acks: Acks;
  /**
   * Append only if the partition ends exactly here (its first record takes this offset), else
   * WRONG_EXPECTED_OFFSET with the actual end. Absent: append wherever the partition ends.
   */
  readonly expectedOffset?: number;
  /**
   * Leader epoch that the client believes in; an older one than the broker's is
   * FENCED_LEADER_EPOCH, a newer one UNKNOWN_LEADER_EPOCH. Absent: not checked.
   */
  readonly leaderEpoch?: number;
  /**
   * Milliseconds until the broker answers REQUEST_TIMED_OUT (the record may still be stored). 0:
   * the default of 30,000. At most 300,000.
   */
  readonly timeoutMs: number;
  /**
   * Identity of the topic, a UUID in text form; a topic that was deleted and created again has
   * another one, and the append fails with UNKNOWN_TOPIC_OR_PARTITION. Empty: not checked.
   */
  readonly topicId: string;
}

/** Some results: what became known in one turn of the broker. */
export interface ProduceStreamResponse {
  /** The results, at least one. */
  readonly results: readonly AppendResult[];
}

/** What became of one append. */
export interface AppendResult {
  /** The append's number. */
  readonly correlation: number;
  /** Offset of the batch's first record; -1 when there is an error. */
  readonly baseOffset: number;
  /** Leader epoch in which the batch was appended; 0 when there is an error. */
  readonly leaderEpoch: number;
  /** Offset of the first record that the partition still has. */
  readonly logStartOffset: number;
  /**
   * True when an idempotent producer sent this batch before: nothing was appended, base_offset is
   * the original's.
   */
  readonly duplicate: boolean;
  /** Present when the append failed. */
  readonly error: WireError | null;
}

/** Records for one partition. */
export interface ProduceRequest {
  /** Name of the topic. */
  readonly topic: string;
  /**
   * Number of the partition, from 0. The caller picks it; the SDK's rule is (murmur2(key) &
   * 0x7fffffff) % partition count.
   */
  readonly partition: number;
  /** The records, 1 to 10,000; as a batch at most the topic's max.message.bytes (default 1 MiB). */
  readonly records: readonly WireRecord[];
  /** When the append counts as done. Default ACKS_ALL. */
  readonly acks: Acks;
  /** As in BatchAppend. */
  readonly expectedOffset?: number;
  /**
   * Milliseconds until the broker answers REQUEST_TIMED_OUT. 0: the default of 30,000, at most
   * 300,000. The call's own deadline counts too when it is sooner.
   */
  readonly timeoutMs: number;
}

/** Where the records are. */
export interface ProduceResponse {
  /** Offset of the first record; the others follow it without gaps. */
  readonly baseOffset: number;
  /** Number of records appended. */
  readonly recordCount: number;
  /** Leader epoch in which they were appended. */
  readonly leaderEpoch: number;
  /** Offset of the first record that the partition still has. */
  readonly logStartOffset: number;
}
