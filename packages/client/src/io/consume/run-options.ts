import type { ConsumedRecord } from "../../core/consumed-record.ts";
import { isRetriable, type RetryPolicy } from "../../core/retry-policy.ts";
import type { WorkOrder } from "../../core/work-window.ts";
import type { CommitMode } from "./consumer-options.ts";
import { checkRange } from "../producer/producer-options.ts";

/** What a handler is told beside its record. */
export interface HandlerContext {
  /** 1 for the first call with this record in this run. */
  readonly attempt: number;
  /**
   * Aborts when the outcome does not count any more: the partition is lost, the handler took longer
   * than `maxPollIntervalMs`, or the consumer closes or gives the partition up and has waited
   * `drainTimeoutMs`.
   */
  readonly signal: AbortSignal;
}

/** Deals with one record. The record is done when what it returns resolves. */
export type RecordHandler<Key, Value> = (
  record: ConsumedRecord<Key, Value>,
  context: HandlerContext,
) => unknown;

/** When a handler that failed is called again, and how long later. */
export interface RetryOptions {
  /** Calls for one record, the first one included. Default 5; 1 with `commit: "before"`. */
  readonly attempts?: number;
  /** Milliseconds before the second call; doubles, jittered by a fifth. Default 200. */
  readonly backoffMs?: number;
  /** Longest wait. Default 10,000. */
  readonly maxBackoffMs?: number;
  /**
   * Whether another call may help. Default: unless the error says `retriable: false` of itself, as
   * a CodedError for good does, also one of a record that cannot be decoded.
   */
  readonly retriable?: (error: unknown) => boolean;
}

/** Where records go whose handler has failed for good. */
export interface DeadLetterOptions {
  /** Default: the record's topic and ".dlq". */
  readonly topic?: string | ((topic: string) => string);
  /** Whether to create the topic, with the partitions of the record's, when absent. Default true. */
  readonly create?: boolean;
  /** Milliseconds that storing one record may take. Default 30,000. */
  readonly timeoutMs?: number;
}

/** How a consumer's records are handled. */
export interface RunOptions<Key = Uint8Array, Value = Uint8Array> {
  readonly handler: RecordHandler<Key, Value>;
  /** Records handled at a time, over all partitions; 1 to 10,000. Default 1. */
  readonly concurrency?: number;
  /**
   * What keeps its order. "partition" (default): all records of a partition, one after the other.
   * "key": records of one key; different keys, and records without one, run at the same time.
   * "none": nothing.
   */
  readonly orderBy?: WorkOrder;
  /**
   * Records of a partition that may be taken from the oldest that is not done on, 1 to 100,000.
   * Default 1,000. After a crash at most so many that were done are handled again.
   */
  readonly readAhead?: number;
  readonly retry?: RetryOptions;
  /**
   * Copies a record whose handler has failed for good to another topic, and goes on. Default: the
   * run ends with the handler's error, and the record is not done.
   */
  readonly deadLetter?: boolean | DeadLetterOptions;
  /**
   * Milliseconds that handlers may take to finish when their partition moves, the run ends or the
   * consumer closes; then their signals abort. Default 10,000.
   */
  readonly drainTimeoutMs?: number;
  /** Ends the run with ABORTED. */
  readonly signal?: AbortSignal;
}

/** The options with defaults filled in. */
export interface RunSettings {
  readonly concurrency: number;
  readonly orderBy: WorkOrder;
  readonly readAhead: number;
  readonly retry: RetryPolicy;
  readonly deadLetter: DeadLetterOptions | undefined;
  readonly drainTimeoutMs: number;
}

/** Fills in defaults; INVALID_CONFIG for what cannot be. */
export function runSettings<Key, Value>(
  options: RunOptions<Key, Value>,
  commit: CommitMode,
): RunSettings {
  const { retry, deadLetter } = options;
  const settings: RunSettings = {
    concurrency: options.concurrency ?? 1,
    orderBy: options.orderBy ?? "partition",
    readAhead: options.readAhead ?? 1_000,
    retry: {
      attempts: retry?.attempts ?? (commit === "before" ? 1 : 5),
      backoffMs: retry?.backoffMs ?? 200,
      maxBackoffMs: retry?.maxBackoffMs ?? 10_000,
      retriable: retry?.retriable ?? isRetriable,
    },
    deadLetter: deadLetter === true ? {} : deadLetter === false ? undefined : deadLetter,
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
  };
  checkRange("concurrency", settings.concurrency, { min: 1, max: 10_000 });
  checkRange("readAhead", settings.readAhead, { min: 1, max: 100_000 });
  checkRange("retry.attempts", settings.retry.attempts, { min: 1, max: 1_000_000 });
  checkRange("retry.backoffMs", settings.retry.backoffMs, { min: 0, max: 86_400_000 });
  checkRange("retry.maxBackoffMs", settings.retry.maxBackoffMs, { min: 0, max: 86_400_000 });
  checkRange("drainTimeoutMs", settings.drainTimeoutMs, { min: 0, max: 1_800_000 });
  checkRange("deadLetter.timeoutMs", settings.deadLetter?.timeoutMs ?? 1, { min: 1, max: 600_000 });
  return settings;
}
