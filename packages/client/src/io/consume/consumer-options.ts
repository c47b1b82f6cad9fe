import { CodedError } from "@stratalog/base";
import type { Serde } from "../../core/serde.ts";
import type { TopicPartition } from "../../core/topic-partition.ts";
import { checkRange } from "../producer/producer-options.ts";

/** Where a consumer begins when its group has stored no offset, or one that is gone. */
export type OffsetReset = "earliest" | "latest" | "none";

/** A partition that a consumer reads on its own, from a place. */
export interface AssignedPartition extends TopicPartition {
  /** With a timestamp: the first record of that time or later; the end when there is none. */
  readonly offset: bigint | number | "earliest" | "latest" | SeekTime;
}

/** A moment: milliseconds since 1970, or a Date. */
export interface SeekTime {
  readonly timestamp: number | Date;
}

/** When a record counts as done. */
export type CommitMode = "before" | "after" | "manual";

/** How far a consumer is in a partition. */
export interface ConsumerPosition extends TopicPartition {
  /** Offset of the next record that the loop gets. */
  readonly offset: bigint;
  /** Records from there to the end; undefined before the broker told. */
  readonly lag: bigint | undefined;
}

/** An offset to commit or to go to: that of the next record to read. */
export interface ConsumerOffset extends TopicPartition {
  readonly offset: bigint | number;
}

/** An offset to commit, with what the application wants to be kept beside it. */
export interface OffsetCommit extends ConsumerOffset {
  /** At most 4,096 bytes in UTF-8; `describeGroup` has it. The next commit replaces it. Default "". */
  readonly metadata?: string;
}

/** What all consumers have. */
interface CommonOptions<Key, Value> {
  /** Bytes held per broker, read or on their way. Default 8 MiB. */
  readonly bufferBytes?: number;
  /** How keys are read; without it they are bytes. */
  readonly key?: Serde<Key>;
  /** How values are read; without it they are bytes. */
  readonly value?: Serde<Value>;
  /** Ends the loop with ABORTED. */
  readonly signal?: AbortSignal;
  /**
   * Where to begin without a stored offset. Default "latest", as Kafka's consumers do: what was
   * sent before the group first came is not read.
   */
  readonly autoOffsetReset?: OffsetReset;
  /** The same as `autoOffsetReset: "earliest"`. */
  readonly fromBeginning?: boolean;
  /**
   * "after" (default): what the loop has passed is committed, so that nothing is lost and a crash
   * repeats some. "before": a batch is committed before its first record is handed out, so that
   * nothing is repeated and a crash loses some. "manual": by `commit` alone.
   */
  readonly commit?: CommitMode;
  /** Milliseconds between commits. Default 1,000. */
  readonly commitIntervalMs?: number;
}

/** A member of a consumer group: the group's members share the partitions of its topics. */
export interface GroupConsumerOptions<Key = Uint8Array, Value = Uint8Array>
  extends CommonOptions<Key, Value> {
  /** 1 to 249 of letters, digits, ".", "_" and "-"; INVALID_GROUP_ID otherwise. */
  readonly group: string;
  /** Names of topics; they need not exist yet. */
  readonly topics?: readonly string[];
  /** Every topic whose name begins with one of these, also one that is created later. */
  readonly topicPrefixes?: readonly string[];
  readonly assign?: never;
  /** Static name: a member that comes back under it takes its predecessor's place. */
  readonly instanceId?: string;
  /** Milliseconds without a sign of life until the member is out. Default 45,000. */
  readonly sessionTimeoutMs?: number;
  /** Milliseconds that the loop may take until it has left a partition. Default 300,000. */
  readonly rebalanceTimeoutMs?: number;
  /** Milliseconds that the loop may take over one record before it is out. Default 300,000. */
  readonly maxPollIntervalMs?: number;
  /** How partitions are shared out: "uniform" (default) or "range". The first member decides. */
  readonly assignor?: "uniform" | "range";
}

/** A consumer that reads the partitions it is told to; with a group, offsets can be committed. */
export interface AssignedConsumerOptions<Key = Uint8Array, Value = Uint8Array>
  extends CommonOptions<Key, Value> {
  /** What is read, and from where. */
  readonly assign: readonly AssignedPartition[];
  /** The group whose offsets commits set; refused while it has members. Default: none. */
  readonly group?: string;
  readonly topics?: never;
  readonly topicPrefixes?: never;
}

/** How a consumer reads. */
export type ConsumerOptions<Key = Uint8Array, Value = Uint8Array> =
  | GroupConsumerOptions<Key, Value>
  | AssignedConsumerOptions<Key, Value>;

/** The options with defaults filled in. */
export interface ConsumerSettings {
  readonly group: string | undefined;
  readonly topics: readonly string[];
  readonly topicPrefixes: readonly string[];
  readonly assign: readonly AssignedPartition[] | undefined;
  readonly reset: OffsetReset;
  /** "manual" without a group, which has nowhere to commit. */
  readonly commit: CommitMode;
  readonly commitIntervalMs: number;
  readonly bufferBytes: number;
  readonly instanceId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly maxPollIntervalMs: number;
  readonly assignor: string;
}

const MIB = 1024 * 1024;

/** Fills in defaults; INVALID_CONFIG for what cannot be. */
export function consumerSettings<Key, Value>(
  options: ConsumerOptions<Key, Value>,
): ConsumerSettings {
  const member: Partial<GroupConsumerOptions<Key, Value>> =
    options.assign === undefined ? options : {};
  const { fromBeginning, group } = options;
  const topics = member.topics ?? [];
  const topicPrefixes = member.topicPrefixes ?? [];
  if (options.assign === undefined && topics.length + topicPrefixes.length === 0) {
    throw new CodedError("INVALID_CONFIG", "a consumer needs group and topics, or assign");
  }
  const isFromBeginning = fromBeginning === true;
  if (isFromBeginning && (options.autoOffsetReset ?? "earliest") !== "earliest") {
    throw new CodedError("INVALID_CONFIG", "fromBeginning and autoOffsetReset contradict");
  }
  const settings: ConsumerSettings = {
    group,
    topics,
    topicPrefixes,
    assign: options.assign,
    reset: options.autoOffsetReset ?? (isFromBeginning ? "earliest" : "latest"),
    commit: group === undefined ? "manual" : (options.commit ?? "after"),
    commitIntervalMs: options.commitIntervalMs ?? 1_000,
    bufferBytes: options.bufferBytes ?? 8 * MIB,
    instanceId: member.instanceId ?? "",
    sessionTimeoutMs: member.sessionTimeoutMs ?? 45_000,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs ?? 300_000,
    maxPollIntervalMs: member.maxPollIntervalMs ?? 300_000,
    assignor: member.assignor ?? "",
  };
  checkRange("commitIntervalMs", settings.commitIntervalMs, { min: 10, max: 3_600_000 });
  checkRange("bufferBytes", settings.bufferBytes, { min: 1_024, max: 64 * MIB });
  checkRange("sessionTimeoutMs", settings.sessionTimeoutMs, { min: 1_000, max: 1_800_000 });
  checkRange("rebalanceTimeoutMs", settings.rebalanceTimeoutMs, { min: 1_000, max: 1_800_000 });
  checkRange("maxPollIntervalMs", settings.maxPollIntervalMs, { min: 100, max: 86_400_000 });
  return settings;
}
