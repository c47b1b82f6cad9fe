import type { Serde } from "../../core/serde.ts";

/** A place in partitions: an offset in each, or the first record at or after a time. */
export type ReplayPoint =
  | { readonly offset: bigint | number }
  | { readonly timestamp: number | Date };

/** What to replay. */
export interface ReplayOptions<Key = Uint8Array, Value = Uint8Array> {
  readonly topic: string;
  /** Default: all. */
  readonly partitions?: readonly number[];
  /** Where to begin. Default "earliest". */
  readonly from?: "earliest" | ReplayPoint;
  /** Where to end, exclusive. Default "end": where each partition ends when the replay begins. */
  readonly to?: "end" | ReplayPoint;
  readonly signal?: AbortSignal;
  /** Bytes held per broker, read or on their way. Default 8 MiB. */
  readonly bufferBytes?: number;
  readonly key?: Serde<Key>;
  readonly value?: Serde<Value>;
}
