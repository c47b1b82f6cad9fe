import type { KeyRange, KeyValueChange, KeyValueStore } from "@stratalog/base";
import { encodeUtf8 } from "@stratalog/base";

/** What stands between a key-value store and a full or failing disk. */
export interface KeyValueGuard {
  /** Resolves when there is room for so many bytes. */
  room(bytes: number): Promise<void>;
  /** The store failed to write: nothing can be made durable in it any more. */
  onFailed(error: unknown): void;
}

/**
 * A key-value store that asks for room before it writes: a LevelDB that meets a full disk fails for
 * good. Batches wait for room in turn, so their order stays.
 */
export class GuardedKeyValueStore implements KeyValueStore {
  readonly #inner: KeyValueStore;
  readonly #guard: KeyValueGuard;
  #turn: Promise<void> = Promise.resolve();

  constructor(inner: KeyValueStore, guard: KeyValueGuard) {
    this.#inner = inner;
    this.#guard = guard;
  }

  get(key: string): Promise<Uint8Array | undefined> {
    return this.#inner.get(key);
  }

  entries(range: KeyRange): AsyncIterable<readonly [key: string, value: Uint8Array]> {
    return this.#inner.entries(range);
  }

  async write(
    changes: readonly KeyValueChange[],
    options: { readonly sync: boolean },
  ): Promise<void> {
    const room = this.#turn.then(() => this.#guard.room(sizeOf(changes)));
    // Who comes next waits for this one, and not for its outcome.
    this.#turn = room.catch(() => {});
    await room;
    try {
      await this.#inner.write(changes, options);
    } catch (error) {
      this.#guard.onFailed(error);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#turn;
    await this.#inner.close();
  }
}

function sizeOf(changes: readonly KeyValueChange[]): number {
  let bytes = 0;
  for (const change of changes) {
    bytes += encodeUtf8(change.key).length;
    if (change.type === "put") bytes += change.value.length;
  }
  return bytes;
}
