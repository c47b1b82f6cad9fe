import type { FileHandle, FileSystem } from "../ports/file-system.ts";

interface Entry {
  readonly path: string;
  readonly handle: Promise<FileHandle>;
  users: number;
  isDirty: boolean;
  /**
   * The sync under way: bytes that it covers are not dirty any more, but not durable yet either.
   */
  syncing: Promise<void> | undefined;
  isForgotten: boolean;
}

/**
 * Open files, at most `limit` that nobody uses, the least recently used closed first. A dirty file
 * is synced before it is closed: a write error that the kernel finds later would otherwise be
 * reported to nobody.
 */
export class HandleCache {
  readonly #fileSystem: FileSystem;
  readonly #limit: number;
  readonly #onError: (error: unknown) => void;
  readonly #entries = new Map<string, Entry>();

  constructor(fileSystem: FileSystem, limit: number, onError: (error: unknown) => void) {
    this.#fileSystem = fileSystem;
    this.#limit = limit;
    this.#onError = onError;
  }

  get openCount(): number {
    return this.#entries.size;
  }

  /** Makes a new file that must not exist yet. */
  async create(path: string): Promise<void> {
    await this.#use(this.#enter(path, "exclusive"), () => Promise.resolve());
  }

  /** Runs work on an open file that it only reads. */
  read<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    return this.#use(this.#entries.get(path) ?? this.#enter(path, "write"), work);
  }

  /** Runs work that changes the file; made when it is missing. */
  write<T>(path: string, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    const entry = this.#entries.get(path) ?? this.#enter(path, "create");
    entry.isDirty = true;
    return this.#use(entry, async (handle) => {
      try {
        return await work(handle);
      } finally {
        // A sync that began while these bytes were on their way may have missed them.
        entry.isDirty = true;
      }
    });
  }

  /** Makes what was written through this cache durable. */
  async sync(path: string): Promise<void> {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    await entry.syncing;
    if (!entry.isDirty) return;
    const syncing = this.#use(entry, async (handle) => {
      entry.isDirty = false;
      await handle.dataSync();
    });
    entry.syncing = syncing;
    await syncing;
    if (entry.syncing === syncing) entry.syncing = undefined;
  }

  /**
   * Closes a file that is about to be removed, once nobody uses it; nothing of it has to be durable
   * any more.
   */
  forget(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    entry.isDirty = false;
    entry.isForgotten = true;
    if (entry.users === 0) this.#close(entry);
  }

  async closeAll(): Promise<void> {
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    for (const entry of entries) {
      const handle = await entry.handle;
      await handle.close();
    }
  }

  #enter(path: string, mode: "write" | "create" | "exclusive"): Entry {
    const handle = this.#fileSystem.open(path, mode);
    const entry: Entry = {
      path,
      handle,
      users: 0,
      isDirty: false,
      syncing: undefined,
      isForgotten: false,
    };
    this.#entries.set(path, entry);
    return entry;
  }

  async #use<T>(entry: Entry, work: (handle: FileHandle) => Promise<T>): Promise<T> {
    entry.users++;
    try {
      return await work(await this.#opened(entry));
    } finally {
      entry.users--;
      if (entry.isForgotten) {
        if (entry.users === 0) this.#close(entry);
      } else if (this.#entries.get(entry.path) === entry) {
        // A map keeps the order of insertion: entering again makes this the most recently used one.
        this.#entries.delete(entry.path);
        this.#entries.set(entry.path, entry);
      }
      this.#evict();
    }
  }

  async #opened(entry: Entry): Promise<FileHandle> {
    try {
      return await entry.handle;
    } catch (error) {
      if (this.#entries.get(entry.path) === entry) this.#entries.delete(entry.path);
      entry.isForgotten = false;
      throw error;
    }
  }

  #evict(): void {
    if (this.#entries.size <= this.#limit) return;
    for (const entry of this.#entries.values()) {
      if (entry.users > 0) continue;
      if (entry.isDirty) {
        this.sync(entry.path).catch(this.#onError);
      } else {
        this.#entries.delete(entry.path);
        this.#close(entry);
      }
      return;
    }
  }

  #close(entry: Entry): void {
    entry.handle.then((handle) => handle.close()).catch(this.#onError);
  }
}
