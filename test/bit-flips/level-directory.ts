import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CodedError,
  type KeyRange,
  type KeyValueChange,
  type KeyValueStore,
  silentLogger,
} from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { loadBrokerConfig, nodeEnvironment } from "@stratalog/broker";

/** LevelDB's log of what it does, and its lock: nothing reads them. */
const UNREAD = /^(?:LOG|LOG\.old|LOCK)$/;
const EVERYTHING: KeyRange = { from: "", to: "\uffff" };

/** Keeps what was written, in order, so that a LevelDB can be made of it. */
export class RecordedKeyValue implements KeyValueStore {
  readonly inner: KeyValueStore;
  readonly batches: (readonly KeyValueChange[])[] = [];

  constructor(inner: KeyValueStore) {
    this.inner = inner;
  }
  get: KeyValueStore["get"] = (key) => this.inner.get(key);
  entries: KeyValueStore["entries"] = (range) => this.inner.entries(range);
  write: KeyValueStore["write"] = (changes, options) => {
    this.batches.push(changes);
    return this.inner.write(changes, options);
  };
  close: KeyValueStore["close"] = () => this.inner.close();
}

/** What the adapter of production finds in a directory of LevelDB: values, and what it refuses. */
class FrozenKeyValue implements KeyValueStore {
  readonly #values: MemoryKeyValueStore;
  readonly #refusals: Map<string, unknown>;

  constructor(values: ReadonlyMap<string, Uint8Array>, refusals: ReadonlyMap<string, unknown>) {
    this.#values = new MemoryKeyValueStore(values);
    this.#refusals = new Map(refusals);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    if (this.#refusals.has(key)) throw this.#refusals.get(key);
    return this.#values.get(key);
  }

  async *entries(range: KeyRange): AsyncIterable<readonly [string, Uint8Array]> {
    for (const [key, refusal] of this.#refusals) {
      if (key >= range.from && key < range.to) throw refusal;
    }
    yield* this.#values.entries(range);
  }

  write: KeyValueStore["write"] = (changes, options) => {
    for (const { key } of changes) this.#refusals.delete(key);
    return this.#values.write(changes, options);
  };
  close: KeyValueStore["close"] = () => this.#values.close();
}

/** A directory of LevelDB that was filled as a broker fills it, to be damaged a byte at a time. */
export class LevelDirectory {
  readonly #path: string;
  readonly #copy: string;
  readonly #keys = new Set<string>();

  private constructor(scratch: string, name: string) {
    this.#path = join(scratch, name);
    this.#copy = join(scratch, `${name}-copy`);
  }

  /** Writes the batches; opened twice, so that there are a table and a log. */
  static async make(
    scratch: string,
    name: string,
    batches: readonly (readonly KeyValueChange[])[],
  ): Promise<LevelDirectory> {
    const directory = new LevelDirectory(scratch, name);
    mkdirSync(directory.#path, { recursive: true });
    const half = Math.floor(batches.length / 2);
    for (const part of [batches.slice(0, half), batches.slice(half)]) {
      const { store } = await openLevel(directory.#path);
      for (const changes of part) await store.write(changes, { sync: false });
      await store.close();
    }
    for (const changes of batches) for (const { key } of changes) directory.#keys.add(key);
    return directory;
  }

  /** Files that anybody reads, with their sizes. */
  files(): ReadonlyMap<string, number> {
    const names = readdirSync(this.#path).filter((name) => !UNREAD.test(name));
    return new Map(names.map((name) => [name, readFileSync(join(this.#path, name)).length]));
  }

  /**
   * What a broker gets that opens the directory with one bit flipped: a store in memory, or a
   * rejection. Says also what the adapter suspects.
   */
  async opened(
    flip: { readonly name: string; readonly position: number } | undefined,
  ): Promise<{ readonly store: KeyValueStore; readonly suspicions: readonly string[] }> {
    rmSync(this.#copy, { recursive: true, force: true });
    cpSync(this.#path, this.#copy, { recursive: true });
    if (flip !== undefined) {
      const path = join(this.#copy, flip.name);
      const bytes = readFileSync(path);
      bytes[flip.position] = (bytes[flip.position] ?? 0) ^ (1 << (flip.position % 8));
      writeFileSync(path, bytes);
    }
    const { store, suspicions } = await openLevel(this.#copy);
    try {
      return { store: await this.#frozen(store), suspicions };
    } finally {
      await store.close();
    }
  }

  async #frozen(store: KeyValueStore): Promise<FrozenKeyValue> {
    const values = new Map<string, Uint8Array>();
    const refusals = new Map<string, unknown>();
    for (const key of this.#keys) {
      try {
        const value = await store.get(key);
        if (value !== undefined) values.set(key, value);
      } catch (error) {
        if (!CodedError.is(error)) throw error;
        refusals.set(key, error);
      }
    }
    if (refusals.size > 0) return new FrozenKeyValue(values, refusals);
    for await (const [key, value] of store.entries(EVERYTHING)) values.set(key, value);
    return new FrozenKeyValue(values, refusals);
  }
}

/** LevelDB through the adapter of production. */
async function openLevel(
  path: string,
): Promise<{ readonly store: KeyValueStore; readonly suspicions: readonly string[] }> {
  const suspicions: string[] = [];
  const warn = (fields: object): void => {
    if ("where" in fields) suspicions.push(String(fields.where));
  };
  const config = loadBrokerConfig({ flags: ["node.id=1", `data.dir=${path}`] });
  const environment = nodeEnvironment(config, { logger: { ...silentLogger, warn } });
  return { store: await environment.openKeyValueStore(path), suspicions };
}
