import type { KeyValueStore } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import type { Environment } from "@stratalog/broker";
import { MemoryFileSystem } from "@stratalog/log-store/testing";

/** What a broker keeps between its lives. */
export interface TestDisk {
  readonly fileSystem: Environment["fileSystem"];
  openKeyValueStore(directory: string): Promise<KeyValueStore>;
  /**
   * The broker is killed: what it still does comes to nothing. Resolves with the disk as the next
   * life finds it: everything that was written, as after the end of a process.
   */
  cutOff(): Promise<TestDisk>;
}

/** A disk in memory, gone with the cluster. */
export class MemoryDisk implements TestDisk {
  readonly fileSystem: MemoryFileSystem;
  readonly #stores: Map<string, MemoryKeyValueStore>;

  constructor(
    fileSystem = new MemoryFileSystem(),
    stores = new Map<string, MemoryKeyValueStore>(),
  ) {
    this.fileSystem = fileSystem;
    this.#stores = stores;
  }

  openKeyValueStore(directory: string): Promise<KeyValueStore> {
    const known = this.#stores.get(directory);
    // A store that was closed stays so: the next life gets its content.
    const store = known?.image(known.unsyncedCount) ?? new MemoryKeyValueStore();
    this.#stores.set(directory, store);
    return Promise.resolve(store);
  }

  cutOff(): Promise<TestDisk> {
    const stores = new Map<string, MemoryKeyValueStore>();
    for (const [directory, store] of this.#stores) {
      stores.set(directory, store.image(store.unsyncedCount));
    }
    const next = new MemoryDisk(this.fileSystem.afterKill(), stores);
    this.fileSystem.die();
    return Promise.resolve(next);
  }
}

/** A temporary directory of the machine. */
export class DirectoryDisk implements TestDisk {
  readonly fileSystem: Environment["fileSystem"];
  readonly #real: Pick<Environment, "fileSystem" | "openKeyValueStore">;
  readonly #stores: KeyValueStore[] = [];
  readonly #handles = new Set<{ close(): Promise<void> }>();
  #isCutOff = false;

  constructor(real: Pick<Environment, "fileSystem" | "openKeyValueStore">) {
    this.#real = real;
    this.fileSystem = this.#mortal(real.fileSystem);
  }

  async openKeyValueStore(directory: string): Promise<KeyValueStore> {
    const store = await this.#real.openKeyValueStore(directory);
    this.#stores.push(store);
    return this.#mortal(store);
  }

  async cutOff(): Promise<TestDisk> {
    this.#isCutOff = true;
    const closable = [...this.#stores, ...this.#handles];
    // What its owner had closed already says so; either way it is closed.
    await Promise.allSettled(closable.map((each) => each.close()));
    return new DirectoryDisk(this.#real);
  }

  /** The same object, whose calls never come back once the disk is cut off. */
  #mortal<T extends object>(target: T): T {
    return new Proxy(target, {
      get: (real, name) => {
        const value: unknown = Reflect.get(real, name, real);
        if (typeof value !== "function") return value;
        return (...args: readonly unknown[]): unknown => {
          if (this.#isCutOff) return new Promise(() => {});
          const result: unknown = Reflect.apply(value, real, args);
          return result instanceof Promise ? result.then((each) => this.#adopt(each)) : result;
        };
      },
    });
  }

  /** An open file is cut off with the rest. */
  #adopt(value: unknown): unknown {
    if (this.#isCutOff) return new Promise(() => {});
    if (typeof value !== "object" || value === null || !("dataSync" in value)) return value;
    // Only a file's handle can be synced.
    this.#handles.add(value as unknown as { close(): Promise<void> });
    return this.#mortal(value);
  }
}
