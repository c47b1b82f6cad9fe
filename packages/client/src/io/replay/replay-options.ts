import type { Serde } from "../../core/serde.ts";
import type { ReplayProgress } from "./replay-progress.ts";

/**
 * A place in partitions: an offset in each, one for each by number (partitions that are not named:
 * from the earliest record, to the end), or the first record at or after a time.
 */
export type ReplayPoint =
  | { readonly offset: bigint | number }
  | { readonly offsets: Readonly<Record<number, bigint | number>> }
  | { readonly timestamp: number | Date };

/** What to replay. */
export interface ReplayOptions<Key = Uint8Array, Value = Uint8Array> {
  /** Name of the topic; UNKNOWN_TOPIC_OR_PARTITION when there is none. */
  readonly topic: string;
  /** Default: all that the topic has when the replay begins. */
  readonly partitions?: readonly number[];
  /**
   * Only records with one of these keys; text stands for its UTF-8 bytes. All partitions are read
   * all the same, since a key is where its producer put it: name `partitions` to read less.
   */
  readonly keys?: readonly (string | Uint8Array)[];
  /** Where to begin. Default "earliest". */
  readonly from?: "earliest" | ReplayPoint;
  /** Where to end, exclusive. Default "end": where each partition ends when the replay begins. */
  readonly to?: "end" | ReplayPoint;
  /** Ends the replay with ABORTED. */
  readonly signal?: AbortSignal;
  /** Bytes held per broker, read or on their way. Default 8 MiB. */
  readonly bufferBytes?: number;
  /** Told how far the replay is: when it begins, about every `progressIntervalMs`, at its end. */
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Default 1,000 milliseconds. */
  readonly progressIntervalMs?: number;
  /** How keys are read; without it they are bytes. */
  readonly key?: Serde<Key>;
  /** How values are read; without it they are bytes. */
  readonly value?: Serde<Value>;
}
