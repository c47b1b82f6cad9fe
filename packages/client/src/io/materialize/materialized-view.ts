import { CodedError, decodeUtf8Strict } from "@stratalog/base";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import { json, type Serde } from "../../core/serde.ts";
import { viewKeyOf } from "../../core/view-header.ts";
import type { Cluster } from "../cluster.ts";
import { Replay } from "../replay/replay.ts";
import { newestTopic } from "../replay/newest-topic.ts";
import type { ReplayPoint } from "../replay/replay-options.ts";
import { resolveBounds } from "../replay/replay-ranges.ts";
import type { MaterializeOptions } from "./materialize-options.ts";
import { MemorySnapshotStore } from "./snapshot-store.ts";
import { ViewSnapshots } from "./view-snapshots.ts";

const SNAPSHOT_EVERY = 10_000;

/**
 * The states of a topic's keys, folded from its records. Holds every state in memory. Made by
 * `Stratalog.materialize`; nothing has to be closed.
 */
export class MaterializedView<State, Key = Uint8Array, Value = Uint8Array> {
  readonly #cluster: Cluster;
  readonly #options: MaterializeOptions<State, Key, Value>;
  readonly #snapshots: ViewSnapshots<State>;
  readonly #states = new Map<string, State>();
  readonly #positions = new Map<number, number>();
  #topicId = "";
  #foldedCount = 0;
  #resumedKeys = 0;
  #refreshing: Promise<void> = Promise.resolve();

  /** @internal Use `Stratalog.materialize`. */
  constructor(cluster: Cluster, options: MaterializeOptions<State, Key, Value>) {
    this.#cluster = cluster;
    this.#options = options;
    const { topic, store, name = topic, version = 1, state, snapshotEvery } = options;
    if (snapshotEvery !== undefined && !(snapshotEvery >= 1)) {
      throw new CodedError("INVALID_CONFIG", "snapshotEvery must be at least 1");
    }
    // Without a store nothing is kept: the snapshots of this one would be asked for by nobody.
    const serde: Serde<State> = state ?? json<State>();
    const kept = store ?? new MemorySnapshotStore();
    this.#snapshots = new ViewSnapshots({
      store: kept,
      name,
      foldVersion: version,
      serde,
      isKept: store !== undefined,
    });
  }

  /** The state of a key; undefined when it has none. Text stands for its UTF-8 bytes. */
  get(key: string | Uint8Array): State | undefined {
    const text = typeof key === "string" ? key : viewKeyOf(key, decodeUtf8Strict(key));
    return this.#states.get(text);
  }

  /** Number of keys that have a state. */
  get size(): number {
    return this.#states.size;
  }

  /** Every key with its state, in no promised order. */
  entries(): IterableIterator<[key: string, state: State]> {
    return this.#states.entries();
  }

  [Symbol.iterator](): IterableIterator<[key: string, state: State]> {
    return this.entries();
  }

  /** Offset of the next record to fold, by partition. */
  get offsets(): Readonly<Record<number, bigint>> {
    return Object.fromEntries([...this.#positions].map(([at, offset]) => [at, BigInt(offset)]));
  }

  /** Records folded since the view was made; what a snapshot saved the reading of is not in it. */
  get foldedCount(): number {
    return this.#foldedCount;
  }

  /** Keys that came from a snapshot. */
  get resumedKeys(): number {
    return this.#resumedKeys;
  }

  /**
   * Folds on to where the partitions end now, or to another place; what was acknowledged before the
   * call is in the view when it resolves. Calls come one after the other. OFFSET_OUT_OF_RANGE when
   * retention has passed the view, or when it is past `to` already.
   */
  refresh(
    options: { readonly to?: "end" | ReplayPoint; readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const run = this.#refreshing.then(() => this.#foldOn(options));
    // The next call waits for this one and does not care how it went.
    this.#refreshing = run.catch(() => {});
    return run;
  }

  /** @internal Takes in the snapshot, when there is one of this fold and topic. */
  async load(): Promise<void> {
    const { topic, signal } = this.#options;
    this.#topicId = (await newestTopic(this.#cluster, topic, signal)).topicId;
    const positions = await this.#snapshots.load(this.#topicId, this.#states);
    for (const [partition, offset] of positions) this.#positions.set(partition, offset);
    this.#resumedKeys = this.#states.size;
  }

  async #foldOn(options: { to?: "end" | ReplayPoint; signal?: AbortSignal }): Promise<void> {
    const { topic, partitions, key, value, bufferBytes, onProgress } = this.#options;
    const { to = "end", signal = this.#options.signal } = options;
    const range = {
      topic,
      ...(partitions === undefined ? {} : { partitions }),
      from: { offsets: Object.fromEntries(this.#positions) },
      to,
    };
    const bounds = await resolveBounds(this.#cluster, range, signal);
    this.#checkTopic();
    for (const { partition, wantedStart, wantedEnd } of bounds) {
      if (wantedStart > wantedEnd && this.#positions.has(partition)) {
        throw new CodedError(
          "OFFSET_OUT_OF_RANGE",
          `the view has ${topic}/${partition} up to ${wantedStart} and cannot go back to ` +
            `${wantedEnd}: give the earlier one a name of its own`,
          { details: { topic, partition, offset: wantedStart, endOffset: wantedEnd } },
        );
      }
    }
    const replay = new Replay<Key, Value>(
      this.#cluster,
      {
        topic,
        ...(key === undefined ? {} : { key }),
        ...(value === undefined ? {} : { value }),
        ...(bufferBytes === undefined ? {} : { bufferBytes }),
        ...(onProgress === undefined ? {} : { onProgress }),
        ...(signal === undefined ? {} : { signal }),
      },
      bounds,
    );
    for await (const batch of replay.batches()) {
      for (const record of batch) this.#apply(record);
      if (this.#isSnapshotDue()) await this.#save();
    }
    // Where the last records are none of a user's, the partition's end is the place all the same.
    for (const { partition, wantedStart, wantedEnd, latest } of bounds) {
      const end = Math.max(wantedStart, Math.min(wantedEnd, latest));
      this.#positions.set(partition, Math.max(end, this.#positions.get(partition) ?? 0));
    }
    if (this.#snapshots.changeCount > 0) await this.#save();
  }

  #apply(record: ConsumedRecord<Key, Value>): void {
    const key = this.#keyOf(record);
    if (key !== null) {
      const next = this.#options.fold(this.#states.get(key), record);
      if (next === undefined) this.#states.delete(key);
      else this.#states.set(key, next);
      this.#snapshots.note(key);
    }
    this.#positions.set(record.partition, record.position + 1);
    this.#foldedCount += 1;
  }

  #keyOf(record: ConsumedRecord<Key, Value>): string | null {
    const { keyOf } = this.#options;
    if (keyOf !== undefined) return keyOf(record);
    const bytes = record.keyBytes;
    if (bytes !== null) return viewKeyOf(bytes, decodeUtf8Strict(bytes));
    const where = `${record.topic}/${record.partition} at ${record.position}`;
    throw new CodedError("INVALID_REQUEST", `the record of ${where} has no key: give keyOf`, {
      details: { topic: record.topic, partition: record.partition, offset: record.position },
    });
  }

  #isSnapshotDue(): boolean {
    return this.#snapshots.changeCount >= (this.#options.snapshotEvery ?? SNAPSHOT_EVERY);
  }

  async #save(): Promise<void> {
    await this.#snapshots.save(this.#topicId, this.#positions, this.#states);
  }

  #checkTopic(): void {
    const { topic } = this.#options;
    const known = this.#cluster.cache.topic(topic)?.topicId ?? this.#topicId;
    if (known === this.#topicId) return;
    throw new CodedError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic ${topic} was deleted and created anew: make a new view of it`,
      { details: { topic } },
    );
  }
}
