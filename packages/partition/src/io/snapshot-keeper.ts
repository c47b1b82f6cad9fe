import type { KeyValueStore, Logger } from "@stratalog/base";
import {
  decodePartitionSnapshot,
  encodePartitionSnapshot,
  type PartitionSnapshot,
} from "../core/partition-snapshot.ts";
import type { Frame } from "../ports/frame.ts";

/** Where a replica's snapshots are kept. */
export interface SnapshotPlace {
  readonly store: KeyValueStore;
  readonly key: string;
}

/**
 * Writes what a replica derives from its log now and then, so that a restart replays the tail and
 * not everything.
 * Unsynced on purpose: a lost one costs reading time, never state.
 */
export class SnapshotKeeper {
  readonly #place: SnapshotPlace | undefined;
  readonly #everyBytes: number;
  readonly #everyFrames: number;
  readonly #logger: Logger;
  #bytes = 0;
  #frames = 0;
  #writing: Promise<void> | undefined;

  constructor(options: {
    readonly place: SnapshotPlace | undefined;
    readonly everyBytes: number;
    readonly everyFrames: number;
    readonly logger: Logger;
  }) {
    this.#place = options.place;
    this.#everyBytes = options.everyBytes;
    this.#everyFrames = options.everyFrames;
    this.#logger = options.logger;
  }

  /** The newest snapshot, or undefined when there is none that can be read. */
  static async load(place: SnapshotPlace | undefined): Promise<PartitionSnapshot | undefined> {
    const bytes = await place?.store.get(place.key);
    return bytes === undefined ? undefined : decodePartitionSnapshot(bytes);
  }

  /** Counts a frame towards the next snapshot. */
  count(frame: Frame): void {
    this.#bytes += frame.byteLength;
    this.#frames++;
  }

  get isDue(): boolean {
    if (this.#place === undefined || this.#writing !== undefined) return false;
    return this.#bytes >= this.#everyBytes || this.#frames >= this.#everyFrames;
  }

  /** Writes a snapshot; a failure is logged and the next one tried later. */
  save(snapshot: PartitionSnapshot): Promise<void> {
    const place = this.#place;
    if (place === undefined) return Promise.resolve();
    this.#bytes = 0;
    this.#frames = 0;
    const value = encodePartitionSnapshot(snapshot);
    const before = this.#writing ?? Promise.resolve();
    const writing = before
      .then(() => place.store.write([{ type: "put", key: place.key, value }], { sync: false }))
      .catch((error: unknown) => {
        this.#logger.warn({ key: place.key, error }, "a partition snapshot could not be written");
      })
      .finally(() => {
        if (this.#writing === writing) this.#writing = undefined;
      });
    this.#writing = writing;
    return writing;
  }

  /** Waits for a write that is under way and removes the snapshot: its replica is gone. */
  async remove(): Promise<void> {
    await this.#writing;
    const place = this.#place;
    await place?.store.write([{ type: "delete", key: place.key }], { sync: false });
  }
}
