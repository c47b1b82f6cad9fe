import type { ConsumedRecord } from "../../core/consumed-record.ts";
import type { Serde } from "../../core/serde.ts";
import type { ReplayOptions, ReplayPoint } from "../replay/replay-options.ts";
import type { SnapshotStore } from "./snapshot-store.ts";

/** What is folded, and into what. */
export interface MaterializeOptions<State, Key = Uint8Array, Value = Uint8Array>
  extends Pick<ReplayOptions<Key, Value>, "topic" | "partitions" | "bufferBytes" | "onProgress"> {
  /**
   * The next state of a record's key; `state` is undefined for a key that has none, and undefined
   * forgets the key. Called in the order of each partition, never awaited. What it throws ends the
   * call, with the view as it was before the record.
   */
  readonly fold: (
    state: State | undefined,
    record: ConsumedRecord<Key, Value>,
  ) => State | undefined;
  /**
   * The key that a record counts for; null leaves the record out. Default: the record's own key, and
   * INVALID_REQUEST for a record without one.
   */
  readonly keyOf?: (record: ConsumedRecord<Key, Value>) => string | null;
  /** Where the fold ends, exclusive. Default "end": the ends of the partitions as it begins. */
  readonly to?: "end" | ReplayPoint;
  /** Where snapshots are kept. Default: nowhere, so that every view is folded from the beginning. */
  readonly store?: SnapshotStore;
  /** Name of the view in the store. Default: the topic's. */
  readonly name?: string;
  /** Number of the fold: a snapshot of another one is thrown away. Default 1. */
  readonly version?: number;
  /** How states are stored. Default JSON. */
  readonly state?: Serde<State>;
  /** Records between two snapshots; one more is taken at the end. Default 10,000. */
  readonly snapshotEvery?: number;
  /** How keys are read; without it they are bytes. */
  readonly key?: Serde<Key>;
  /** How values are read; without it they are bytes. */
  readonly value?: Serde<Value>;
  /** Ends the fold with ABORTED; the view stays as far as it came. */
  readonly signal?: AbortSignal;
}
