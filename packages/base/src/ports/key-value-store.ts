/** One change of a batch. Keys are text, ordered by their UTF-16 code units within ASCII. */
export type KeyValueChange =
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array }
  | { readonly type: "delete"; readonly key: string };

/** A half-open range of keys: [from, to). */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/**
 * Small, keyed, ordered storage for checkpoints, metadata images and group state. Never log
 * entries.
 *
 * Ownership: values handed in are not changed by the store nor by the caller afterwards.
 * Atomicity: a batch is all or nothing. Order: batches become durable in the order in which they
 * were written;
 * a crash may lose unsynced batches, always a suffix. `sync: true` makes the batch and all before
 * it durable
 * before the promise resolves. After a failed sync every later call rejects.
 * Integrity: each value carries its own CRC-32C; a damaged value rejects with STORAGE_DAMAGED,
 * never returns wrong bytes.
 */
export interface KeyValueStore {
  get(key: string): Promise<Uint8Array | undefined>;
  /** The entries of a range in key order. */
  entries(range: KeyRange): AsyncIterable<readonly [key: string, value: Uint8Array]>;
  write(changes: readonly KeyValueChange[], options: { readonly sync: boolean }): Promise<void>;
  close(): Promise<void>;
}
