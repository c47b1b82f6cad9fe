import { CodedError } from "../coded-error.ts";
import type { KeyRange, KeyValueChange, KeyValueStore } from "../ports/key-value-store.ts";

/**
 * A key-value store in memory that forgets unsynced batches on a crash: what survives is `durable`
 * plus any prefix of the batches written since the last sync.
 */
export class MemoryKeyValueStore implements KeyValueStore {
  #durable: Map<string, Uint8Array>;
  #unsynced: (readonly KeyValueChange[])[] = [];
  #live: Map<string, Uint8Array>;
  #failed = false;
  #closed = false;
  /** When set, the next sync fails with EIO and the store is poisoned from then on. */
  failNextSync = false;

  constructor(durable: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.#durable = new Map(durable);
    this.#live = new Map(durable);
  }

  get(key: string): Promise<Uint8Array | undefined> {
    this.#check();
    return Promise.resolve(this.#live.get(key));
  }

  async *entries(range: KeyRange): AsyncIterable<readonly [string, Uint8Array]> {
    this.#check();
    const keys = [...this.#live.keys()].filter((key) => key >= range.from && key < range.to);
    for (const key of keys.toSorted()) {
      const value = this.#live.get(key);
      if (value !== undefined) yield [key, value];
    }
  }

  write(changes: readonly KeyValueChange[], options: { readonly sync: boolean }): Promise<void> {
    this.#check();
    apply(this.#live, changes);
    this.#unsynced.push(changes);
    if (!options.sync) return Promise.resolve();
    if (this.failNextSync) {
      this.#failed = true;
      return Promise.reject(new CodedError("STORAGE_DAMAGED", "sync failed: EIO"));
    }
    for (const batch of this.#unsynced) apply(this.#durable, batch);
    this.#unsynced = [];
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  /**
   * The store as a restart would find it when `survivors` of the unsynced batches made it to the
   * disk.
   */
  crash(survivors = 0): MemoryKeyValueStore {
    this.#closed = true;
    return this.image(survivors);
  }

  /** The same without ending this one: what a restart would find if the crash came now. */
  image(survivors = 0): MemoryKeyValueStore {
    const remaining = new Map(this.#durable);
    for (const batch of this.#unsynced.slice(0, survivors)) apply(remaining, batch);
    return new MemoryKeyValueStore(remaining);
  }

  /** Number of batches that a crash may lose. */
  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  #check(): void {
    if (this.#closed) throw new CodedError("CLOSED", "the key-value store is closed");
    if (this.#failed) throw new CodedError("STORAGE_DAMAGED", "an earlier sync failed");
  }
}

function apply(target: Map<string, Uint8Array>, changes: readonly KeyValueChange[]): void {
  for (const change of changes) {
    if (change.type === "put") target.set(change.key, change.value);
    else target.delete(change.key);
  }
}
