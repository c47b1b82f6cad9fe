import { assert } from "@stratalog/base";
import {
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  FileSystemError,
} from "../ports/file-system.ts";
import { MemoryDirectory, MemoryFile, type MemoryNode, type Survival } from "./memory-nodes.ts";

/** One call of a file system, as its observers see it. */
export interface FileCall {
  readonly operation:
    | "open"
    | "list"
    | "makeDirectory"
    | "rename"
    | "remove"
    | "removeDirectory"
    | "syncDirectory"
    | "exists"
    | "sizeBytes"
    | "read"
    | "write"
    | "dataSync"
    | "truncate"
    | "close";
  readonly path: string;
}

/**
 * Sees every call before it happens: may wait, or throw a FileSystemError that the call then ends
 * with.
 */
export type FileObserver = (call: FileCall) => void | Promise<void>;

/**
 * A file system in memory that forgets like a real one: what was written but not synced, and names
 * in a directory that was not synced, may or may not be there after a power cut, sector by sector
 * and name by name.
 */
export class MemoryFileSystem implements FileSystem {
  readonly #root: MemoryDirectory;
  /** Set to see, delay or fail calls. */
  observer: FileObserver | undefined;
  /** Bytes that all files together may have; a write beyond fails with ENOSPC. Default none. */
  capacityBytes = Number.POSITIVE_INFINITY;
  /** Calls that report success and do nothing: a disk that lies, to see that tests notice. */
  readonly ignored = new Set<"dataSync" | "syncDirectory">();
  /** Counts all calls. */
  callCount = 0;
  #isDead = false;

  constructor(root: MemoryDirectory = new MemoryDirectory()) {
    this.#root = root;
  }

  /**
   * A copy as the next process finds it after this one was killed: nothing is lost, nothing more is
   * synced.
   */
  afterKill(): MemoryFileSystem {
    return new MemoryFileSystem(this.#root.copy());
  }

  /** A copy as it is found after a power cut. */
  afterPowerCut(survival: Survival): MemoryFileSystem {
    return new MemoryFileSystem(this.#root.survivor(survival));
  }

  /** Ends this one: every later call never returns, like those of a process that is gone. */
  die(): void {
    this.#isDead = true;
  }

  /**
   * All files with their live bytes, for tests that look or damage: changes to the bytes are not
   * seen.
   */
  files(): ReadonlyMap<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    const visit = (directory: MemoryDirectory, prefix: string): void => {
      for (const [name, node] of directory.names) {
        if (node instanceof MemoryFile) found.set(`${prefix}/${name}`, node.bytes.slice());
        else visit(node, `${prefix}/${name}`);
      }
    };
    visit(this.#root, "");
    return found;
  }

  /** Damages a file where it lies: the bytes change on the disk and in memory alike. */
  damage(path: string, position: number, bytes: Uint8Array): void {
    const node = this.#find(path, "write");
    assert(node instanceof MemoryFile, `${path} is not a file`);
    node.change({ type: "write", position, bytes });
    node.sync();
  }

  /**
   * As if a sync of a file or directory had failed: the kernel takes its unsynced bytes or names
   * for clean, so that they can be read until the power goes and no later sync writes them.
   */
  failSync(path: string): void {
    this.#find(path, "dataSync")?.failSync();
  }

  async open(path: string, mode: "read" | "write" | "create" | "exclusive"): Promise<FileHandle> {
    await this.call("open", path);
    const { parent, name } = this.#parentOf(path, "open");
    const existing = parent.names.get(name);
    if (existing !== undefined && mode === "exclusive") throw failure("EEXIST", "open", path);
    if (existing instanceof MemoryDirectory) throw failure("OTHER", "open", path);
    if (existing !== undefined) return new MemoryHandle(this, path, existing);
    if (mode === "read" || mode === "write") throw failure("ENOENT", "open", path);
    const file = new MemoryFile();
    parent.change({ type: "link", name, node: file });
    return new MemoryHandle(this, path, file);
  }

  async list(directory: string): Promise<readonly string[]> {
    await this.call("list", directory);
    return [...this.#directory(directory, "list").names.keys()].toSorted();
  }

  async makeDirectory(directory: string): Promise<void> {
    await this.call("makeDirectory", directory);
    let at = this.#root;
    const names = parts(directory);
    for (const [depth, name] of names.entries()) {
      const existing = at.names.get(name);
      if (existing instanceof MemoryFile) {
        const code = depth === names.length - 1 ? "EEXIST" : "OTHER";
        throw failure(code, "makeDirectory", directory);
      }
      const next = existing ?? new MemoryDirectory();
      if (existing === undefined) at.change({ type: "link", name, node: next });
      at = next;
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await this.call("rename", from);
    const source = this.#parentOf(from, "rename");
    const target = this.#parentOf(to, "rename");
    const node = source.parent.names.get(source.name);
    if (node === undefined) throw failure("ENOENT", "rename", from);
    assert(source.parent === target.parent, "a rename stays in its directory");
    source.parent.change({ type: "rename", from: source.name, to: target.name, node });
  }

  async remove(path: string): Promise<void> {
    await this.call("remove", path);
    const { parent, name } = this.#parentOf(path, "remove");
    const node = parent.names.get(name);
    if (node === undefined) throw failure("ENOENT", "remove", path);
    if (node instanceof MemoryDirectory) throw failure("OTHER", "remove", path);
    parent.change({ type: "unlink", name, node });
  }

  async removeDirectory(directory: string): Promise<void> {
    await this.call("removeDirectory", directory);
    const { parent, name } = this.#parentOf(directory, "removeDirectory");
    const node = parent.names.get(name);
    if (node === undefined) throw failure("ENOENT", "removeDirectory", directory);
    if (node instanceof MemoryDirectory) removeAll(node);
    parent.change({ type: "unlink", name, node });
  }

  async syncDirectory(directory: string): Promise<void> {
    try {
      await this.call("syncDirectory", directory);
    } catch (error) {
      this.failSync(directory);
      throw error;
    }
    const found = this.#directory(directory, "syncDirectory");
    if (!this.ignored.has("syncDirectory")) found.sync();
  }

  async exists(path: string): Promise<boolean> {
    await this.call("exists", path);
    return this.#find(path, "exists") !== undefined;
  }

  async space(): Promise<DiskSpace> {
    const totalBytes = this.capacityBytes;
    return Promise.resolve({ totalBytes, freeBytes: totalBytes - this.usedBytes() });
  }

  /** Bytes of all files. */
  usedBytes(): number {
    let bytes = 0;
    for (const content of this.files().values()) bytes += content.length;
    return bytes;
  }

  /** Lets the observer see a call, and fails or stops it. For this file system's handles. */
  async call(operation: FileCall["operation"], path: string): Promise<void> {
    this.callCount++;
    if (this.observer !== undefined) await this.observer({ operation, path });
    if (this.#isDead) await new Promise<never>(() => {});
  }

  #find(path: string, operation: string): MemoryNode | undefined {
    const names = parts(path);
    let at: MemoryNode | undefined = this.#root;
    for (const name of names) {
      if (at === undefined) return undefined;
      if (at instanceof MemoryFile) throw failure("OTHER", operation, path);
      at = at.names.get(name);
    }
    return at;
  }

  #directory(path: string, operation: string): MemoryDirectory {
    const node = this.#find(path, operation);
    if (node === undefined) throw failure("ENOENT", operation, path);
    if (node instanceof MemoryFile) throw failure("OTHER", operation, path);
    return node;
  }

  #parentOf(
    path: string,
    operation: string,
  ): { readonly parent: MemoryDirectory; readonly name: string } {
    const names = parts(path);
    const name = names.at(-1);
    assert(name !== undefined, `path ${path}`);
    return { parent: this.#directory(`/${names.slice(0, -1).join("/")}`, operation), name };
  }
}

class MemoryHandle implements FileHandle {
  readonly path: string;
  readonly #system: MemoryFileSystem;
  readonly #file: MemoryFile;
  #isPoisoned = false;
  #isClosed = false;

  constructor(system: MemoryFileSystem, path: string, file: MemoryFile) {
    this.#system = system;
    this.path = path;
    this.#file = file;
  }

  async sizeBytes(): Promise<number> {
    await this.#call("sizeBytes");
    return this.#file.sizeBytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    await this.#call("read");
    const bytes = this.#file.bytes.subarray(position, position + target.length);
    target.set(bytes);
    return bytes.length;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    const bytes = joined(parts);
    await this.#call("write");
    const growth = Math.max(0, position + bytes.length - this.#file.sizeBytes);
    const { capacityBytes } = this.#system;
    const isBounded = Number.isFinite(capacityBytes);
    if (isBounded && growth > 0 && this.#system.usedBytes() + growth > capacityBytes) {
      throw failure("ENOSPC", "write", this.path);
    }
    this.#file.change({ type: "write", position, bytes });
  }

  async dataSync(): Promise<void> {
    try {
      await this.#call("dataSync");
    } catch (error) {
      this.#isPoisoned = true;
      this.#file.failSync();
      throw error;
    }
    if (!this.#system.ignored.has("dataSync")) this.#file.sync();
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#call("truncate");
    this.#file.change({ type: "truncate", sizeBytes });
  }

  async close(): Promise<void> {
    await this.#system.call("close", this.path);
    this.#isClosed = true;
  }

  async #call(operation: FileCall["operation"]): Promise<void> {
    if (this.#isPoisoned) throw failure("POISONED", operation, this.path);
    if (this.#isClosed) throw failure("OTHER", operation, this.path);
    await this.#system.call(operation, this.path);
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    bytes.set(part, position);
    position += part.length;
  }
  return bytes;
}

function removeAll(directory: MemoryDirectory): void {
  for (const [name, node] of directory.names) {
    if (node instanceof MemoryDirectory) removeAll(node);
    directory.change({ type: "unlink", name, node });
  }
}

function parts(path: string): readonly string[] {
  return path.split("/").filter((name) => name !== "");
}

function failure(code: FileSystemError["code"], operation: string, path: string): FileSystemError {
  return new FileSystemError(code, operation, path);
}
