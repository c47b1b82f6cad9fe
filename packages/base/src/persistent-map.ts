const BUCKET_COUNT = 128;
const BUCKET_MASK = BUCKET_COUNT - 1;
const EMPTY_BUCKET: ReadonlyMap<never, never> = new Map<never, never>();

/** FNV-1a over the UTF-16 units of a text, or a multiplicative hash of a number. */
function bucketOf(key: string | number): number {
  if (typeof key === "number") return (Math.imul(key | 0, 0x9e3779b1) >>> 16) & BUCKET_MASK;
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 15)) & BUCKET_MASK;
}

/**
 * A map that never changes: `with` and `without` answer a new one that shares all but one bucket
 * with the old. A replicated state keeps its applied and its speculative version this way, and
 * drops one for nothing. Cost of a change: 128 pointers and one bucket, so a map of a million
 * entries copies about eight thousand. Entries come in no particular order; sort where the order is
 * seen.
 */
export class PersistentMap<K extends string | number, V> implements ReadonlyMap<K, V> {
  readonly #buckets: readonly ReadonlyMap<K, V>[];
  readonly size: number;

  private constructor(buckets: readonly ReadonlyMap<K, V>[], size: number) {
    this.#buckets = buckets;
    this.size = size;
  }

  /** The map without entries. */
  static empty<K extends string | number, V>(): PersistentMap<K, V> {
    return new PersistentMap<K, V>(Array.from({ length: BUCKET_COUNT }, emptyBucket<K, V>), 0);
  }

  /** A map of these entries; of two with one key the later counts. */
  static of<K extends string | number, V>(entries: Iterable<readonly [K, V]>): PersistentMap<K, V> {
    const buckets = Array.from({ length: BUCKET_COUNT }, () => new Map<K, V>());
    for (const [key, value] of entries) buckets[bucketOf(key)]?.set(key, value);
    const size = buckets.reduce((sum, bucket) => sum + bucket.size, 0);
    return new PersistentMap<K, V>(buckets, size);
  }

  get(key: K): V | undefined {
    return this.#buckets[bucketOf(key)]?.get(key);
  }

  has(key: K): boolean {
    return this.#buckets[bucketOf(key)]?.has(key) === true;
  }

  /** This map with one entry added or replaced. */
  with(key: K, value: V): PersistentMap<K, V> {
    const index = bucketOf(key);
    const bucket = new Map(this.#buckets[index]);
    const isNew = !bucket.has(key);
    bucket.set(key, value);
    return new PersistentMap(this.#buckets.with(index, bucket), this.size + (isNew ? 1 : 0));
  }

  /** This map without an entry; itself when there is none. */
  without(key: K): PersistentMap<K, V> {
    if (!this.has(key)) return this;
    const index = bucketOf(key);
    const bucket = new Map(this.#buckets[index]);
    bucket.delete(key);
    return new PersistentMap(this.#buckets.with(index, bucket), this.size - 1);
  }

  *entries(): Generator<[K, V], undefined, unknown> {
    for (const bucket of this.#buckets) yield* bucket;
  }

  *keys(): Generator<K, undefined, unknown> {
    for (const bucket of this.#buckets) yield* bucket.keys();
  }

  *values(): Generator<V, undefined, unknown> {
    for (const bucket of this.#buckets) yield* bucket.values();
  }

  [Symbol.iterator](): Generator<[K, V], undefined, unknown> {
    return this.entries();
  }

  forEach(visit: (value: V, key: K, map: ReadonlyMap<K, V>) => void): void {
    for (const [key, value] of this) visit(value, key, this);
  }
}

function emptyBucket<K, V>(): ReadonlyMap<K, V> {
  // An empty map has no entry of a wrong type.
  return EMPTY_BUCKET as ReadonlyMap<unknown, unknown> as ReadonlyMap<K, V>;
}
