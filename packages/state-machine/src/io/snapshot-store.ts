import {
  CodedError,
  decodeJson,
  encodeJson,
  type KeyValueChange,
  type KeyValueStore,
  shape,
} from "@stratalog/base";

/** A materialised state and the last entry that is in it. */
export interface StoredSnapshot {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

const CHUNK_BYTES = 262_144;

const headShape = shape.object({
  version: shape.integer(1, 1),
  index: shape.integer(0),
  term: shape.integer(0),
  chunkCount: shape.integer(0),
  sizeBytes: shape.integer(0),
});

/**
 * Keeps the newest snapshot of one state machine:
 *
 *   <prefix>/head           JSON {version, index, term, chunkCount, sizeBytes}
 *   <prefix>/chunk/<nnnnnn> at most 256 KiB each
 *
 * Head and chunks change in one synced batch. The store checks each value's checksum; a chunk that
 * the head promises and that is missing is damage, never an empty state.
 */
export class SnapshotStore {
  readonly #store: KeyValueStore;
  readonly #prefix: string;
  #chunkCount = 0;

  constructor(store: KeyValueStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
  }

  /** The stored snapshot; undefined before the first one. Rejects with STORAGE_DAMAGED. */
  async load(): Promise<StoredSnapshot | undefined> {
    const bytes = await this.#store.get(`${this.#prefix}/head`);
    if (bytes === undefined) return undefined;
    const head = decodeJson(bytes, headShape);
    if (!head.ok) throw this.#damaged(`its head: ${head.reason}`);
    const { index, term, chunkCount, sizeBytes } = head.value;
    const data = new Uint8Array(sizeBytes);
    let position = 0;
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const part = await this.#store.get(this.#chunkKey(chunk));
      if (part === undefined) throw this.#damaged(`chunk ${chunk} of ${chunkCount} is missing`);
      if (position + part.length > sizeBytes)
        throw this.#damaged("it is longer than its head says");
      data.set(part, position);
      position += part.length;
    }
    if (position !== sizeBytes) throw this.#damaged("it is shorter than its head says");
    this.#chunkCount = chunkCount;
    return { index, term, data };
  }

  /** Replaces the stored snapshot; durable when it resolves. One call at a time. */
  async save(snapshot: StoredSnapshot): Promise<void> {
    const { index, term, data } = snapshot;
    const chunkCount = Math.ceil(data.length / CHUNK_BYTES);
    const head = { version: 1, index, term, chunkCount, sizeBytes: data.length };
    const changes: KeyValueChange[] = [
      { type: "put", key: `${this.#prefix}/head`, value: encodeJson(head) },
    ];
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      const value = data.subarray(chunk * CHUNK_BYTES, (chunk + 1) * CHUNK_BYTES);
      changes.push({ type: "put", key: this.#chunkKey(chunk), value });
    }
    for (let chunk = chunkCount; chunk < this.#chunkCount; chunk++) {
      changes.push({ type: "delete", key: this.#chunkKey(chunk) });
    }
    await this.#store.write(changes, { sync: true });
    this.#chunkCount = chunkCount;
  }

  #chunkKey(chunk: number): string {
    return `${this.#prefix}/chunk/${String(chunk).padStart(6, "0")}`;
  }

  #damaged(what: string): CodedError {
    return new CodedError("STORAGE_DAMAGED", `snapshot ${this.#prefix} is damaged: ${what}`);
  }
}
