// Generated from proto/stratalog/v1/fetch.proto by scripts/generate.ts.
// Do not edit; a test compares.
import type { BidiMethod, UnaryMethod } from "../method.ts";
import type { WireError } from "./error.ts";
import type { WireRecord } from "./record.ts";

/**
 * Reads partitions, committed records only. Ask the broker that leads the partition; another one
 * answers NOT_LEADER.
 */
export interface FetchService {
  /**
   * The fast way: the client names partitions and positions and grants credit in bytes; the broker
   * pushes whole RecordBatch v2 batches as they are there. One partition's failure ends that
   * subscription alone.
   */
  readonly consume: BidiMethod<ConsumeRequest, ConsumeResponse>;
  /** The plain way: records of one partition, decoded, with an optional long poll. */
  readonly fetch: UnaryMethod<FetchRequest, FetchResponse>;
  /** Offsets by rule: the first, the end, or the first at or after a time. */
  readonly listOffsets: UnaryMethod<ListOffsetsRequest, ListOffsetsResponse>;
}

/**
 * One command of the consumer; they take effect in order. A malformed one ends the stream with
 * INVALID_REQUEST.
 */
export interface ConsumeRequest {
  /** Which of the fields of this choice is set; absent: none. */
  readonly command?:
    | "open"
    | "subscribe"
    | "seek"
    | "pause"
    | "resume"
    | "unsubscribe"
    | "credit";
  /** Options of the stream. Optional, and only as the first message. */
  readonly open?: ConsumeOpen;
  /** Adds partitions. */
  readonly subscribe?: ConsumeSubscribe;
  /** Moves a subscription to another offset. */
  readonly seek?: ConsumeSeek;
  /** Stops pushes of some subscriptions until they are resumed. */
  readonly pause?: ConsumePause;
  /** Lets pushes of paused subscriptions go on. */
  readonly resume?: ConsumeResume;
  /** Removes subscriptions; batches already on their way may still arrive. */
  readonly unsubscribe?: ConsumeUnsubscribe;
  /** Grants bytes. */
  readonly credit?: ConsumeCredit;
}

/** Options of a consume stream. */
export interface ConsumeOpen {
  /** Name of the client for the broker's log. At most 255 bytes. Default empty. */
  readonly clientId: string;
  /**
   * Bytes of batches per message of the broker, soft: a single larger batch is sent whole. 0: the
   * default of 524,288. 1,024 to 8,388,608.
   */
  readonly maxMessageBytes: number;
  /**
   * Bytes of batches of one partition per message, soft likewise. 0: the default of 524,288. 1,024
   * to 8,388,608.
   */
  readonly maxPartitionBytes: number;
}

/** Adds partitions to the stream. */
export interface ConsumeSubscribe {
  /** 1 to 1,000; at most 10,000 subscriptions per stream. */
  readonly partitions: readonly ConsumePartition[];
}

/** One partition to read. */
export interface ConsumePartition {
  /**
   * Number chosen by the client, unique among the subscriptions of the stream; pushes carry it
   * instead of names.
   */
  readonly subscription: number;
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /**
   * Offset of the first record wanted, from 0. Resolve "earliest", "latest" or a time by
   * ListOffsets before. The first batch may begin below it: skip its first records. Outside the
   * partition: OFFSET_OUT_OF_RANGE with the valid range.
   */
  readonly offset: number;
  /**
   * Leader epoch that the client believes in; FENCED_LEADER_EPOCH or UNKNOWN_LEADER_EPOCH when it
   * differs. Absent: not checked.
   */
  readonly leaderEpoch?: number;
  /**
   * Identity of the topic, a UUID in text form; UNKNOWN_TOPIC_OR_PARTITION when it differs. Empty:
   * not checked.
   */
  readonly topicId: string;
}

/** Moves one subscription. */
export interface ConsumeSeek {
  /** The subscription; an unknown one (it may have just failed) is ignored. */
  readonly subscription: number;
  /** Offset of the next record wanted, from 0. */
  readonly offset: number;
  /**
   * Number that the pushes from here on carry, so that the client can drop those from before.
   * Begins at 0 at subscribe.
   */
  readonly generation: number;
}

/** Stops pushes of some subscriptions. */
export interface ConsumePause {
  /** The subscriptions; unknown ones are ignored. At most 10,000. */
  readonly subscriptions: readonly number[];
}

/** Lets pushes go on. */
export interface ConsumeResume {
  /** The subscriptions; unknown ones are ignored. At most 10,000. */
  readonly subscriptions: readonly number[];
}

/** Removes subscriptions. */
export interface ConsumeUnsubscribe {
  /** The subscriptions; unknown ones are ignored. At most 10,000. */
  readonly subscriptions: readonly number[];
}

/**
 * Grants credit. A stream begins with none: nothing with batches is pushed before the first grant.
 */
export interface ConsumeCredit {
  /**
   * Bytes of batches that the broker may push beyond what was granted before. A push spends the
   * bytes of its batches and may overdraw by one batch, so that a batch larger than the grant still
   * passes. Unspent credit is at most 67,108,864.
   */
  readonly bytes: number;
}

/** What is there, for one or more subscriptions. */
export interface ConsumeResponse {
  /** One entry per subscription that has something to say. */
  readonly pushes: readonly ConsumePush[];
}

/** News of one subscription. */
export interface ConsumePush {
  /** The subscription's number. */
  readonly subscription: number;
  /** The generation of its last seek, 0 before the first. */
  readonly generation: number;
  /**
   * Whole RecordBatch v2 batches in order of offset. Empty once after a subscribe or seek that
   * finds nothing to send (so that the client knows the end), and in an error.
   */
  readonly batches: readonly Uint8Array[];
  /** Offset that the next push continues at; also when no batches are here. */
  readonly nextOffset: number;
  /**
   * End of the committed records: the offset that the next one takes. Lag is high_watermark -
   * next_offset.
   */
  readonly highWatermark: number;
  /** Offset of the first record that the partition still has. */
  readonly logStartOffset: number;
  /** Leader epoch of the serving leader. */
  readonly leaderEpoch: number;
  /**
   * Present when the subscription failed. It is removed; subscribe again, under another number,
   * where the error says.
   */
  readonly error: WireError | null;
}

/** A read of one partition. */
export interface FetchRequest {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /**
   * Offset of the first record wanted, from 0. Outside the partition: OFFSET_OUT_OF_RANGE with the
   * valid range.
   */
  readonly offset: number;
  /** Records at most. 0: the default of 500. At most 10,000. */
  readonly maxRecords: number;
  /**
   * Bytes of batches to read at most, soft: at least one batch is read. 0: the default of
   * 1,048,576. At most 8,388,608.
   */
  readonly maxBytes: number;
  /** Bytes that end the wait. 0: the default of 1. At most 8,388,608. */
  readonly minBytes: number;
  /**
   * Milliseconds to wait for min_bytes. Default 0: answer at once. At most 300,000; the call's
   * deadline counts too when it is sooner.
   */
  readonly maxWaitMs: number;
  /** Leader epoch that the client believes in; absent: not checked. */
  readonly leaderEpoch?: number;
}

/** Some records. */
export interface FetchResponse {
  /** The records in order of offset; may be empty. */
  readonly records: readonly WireRecord[];
  /** Offset to ask for next. */
  readonly nextOffset: number;
  /** End of the committed records: the offset that the next one takes. */
  readonly highWatermark: number;
  /** Offset of the first record that the partition still has. */
  readonly logStartOffset: number;
  /** Leader epoch of the serving leader. */
  readonly leaderEpoch: number;
}

/** Which offsets to look up. */
export interface ListOffsetsRequest {
  /** The questions, 1 to 1,000. */
  readonly queries: readonly OffsetQuery[];
}

/** One question about one partition. */
export interface OffsetQuery {
  /** Which of the fields of this choice is set; absent: none. */
  readonly at?:
    | "earliest"
    | "latest"
    | "timestampMs";
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** The first record that the partition still has. */
  readonly earliest?: Earliest;
  /**
   * The end of the committed records, confirmed by a quorum of replicas: a deposed leader cannot
   * answer.
   */
  readonly latest?: Latest;
  /**
   * The first record whose timestamp is at or after this, in milliseconds since 1970; the end
   * when there is none.
   */
  readonly timestampMs?: number;
}

/** Marks the question for the first offset. */
export interface Earliest {
}

/** Marks the question for the end offset. */
export interface Latest {
}

/** The answers. */
export interface ListOffsetsResponse {
  /** One per question, in the order of the questions. */
  readonly answers: readonly OffsetAnswer[];
}

/** The answer about one partition. */
export interface OffsetAnswer {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
  /** The offset; -1 when there is an error. */
  readonly offset: number;
  /**
   * Timestamp of the record found by time, in milliseconds since 1970. Absent for earliest and
   * latest, and when no record is that late.
   */
  readonly timestampMs?: number;
  /** Leader epoch of the answering leader; 0 when there is an error. */
  readonly leaderEpoch: number;
  /** Present when the question failed. */
  readonly error: WireError | null;
}
