import * as fs from "node:fs";
import { dirname } from "node:path";
import {
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  FileSystemError,
  type FileSystemErrorCode,
} from "../ports/file-system.ts";

const KNOWN_CODES: readonly string[] = ["ENOENT", "EEXIST", "EACCES", "ENOSPC", "EIO", "EMFILE"];

/** Maps what Node reports onto the port's closed set of codes. */
function mapError(error: unknown, operation: string, path: string): FileSystemError {
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  // EDQUOT is a full disk for this user; EPERM and EROFS are refusals like EACCES.
  if (code === "EDQUOT") return new FileSystemError("ENOSPC", operation, path, error);
  if (code === "EPERM" || code === "EROFS") {
    return new FileSystemError("EACCES", operation, path, error);
  }
  const known = KNOWN_CODES.includes(code) ? (code as FileSystemErrorCode) : "OTHER";
  return new FileSystemError(known, operation, path, error);
}

async function mapped<T>(operation: string, path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw mapError(error, operation, path);
  }
}

const { O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = fs.constants;
const OPEN_FLAGS = {
  read: O_RDONLY,
  write: O_RDWR,
  create: O_RDWR | O_CREAT,
  exclusive: O_RDWR | O_CREAT | O_EXCL,
} as const;

/** Records are their cluster's business: other users of the machine read and change nothing. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/**
 * The machine's files. The only importer of `node:fs` on the data path. What it makes is its user's
 * alone (files 0600, directories 0700); what is there already keeps its mode. A symbolic link in
 * the place of a file is refused; a directory may be one.
 */
export class NodeFileSystem implements FileSystem {
  async open(path: string, mode: "read" | "write" | "create" | "exclusive"): Promise<FileHandle> {
    // Nobody else's file is written or read under a name of ours: a link there is refused.
    const flags = OPEN_FLAGS[mode] | O_NOFOLLOW;
    const handle = await mapped("open", path, fs.promises.open(path, flags, FILE_MODE));
    return new NodeFileHandle(path, handle);
  }

  async list(directory: string): Promise<readonly string[]> {
    const names = await mapped("list", directory, fs.promises.readdir(directory));
    return names.toSorted();
  }

  async makeDirectory(directory: string): Promise<void> {
    // Node's own recursive mode never ends in a file system that refuses with ENOENT, such as
    // /proc.
    if (await makeOne(directory)) return;
    const parent = dirname(directory);
    if (parent !== directory) await this.makeDirectory(parent);
    if (!(await makeOne(directory))) {
      throw new FileSystemError("ENOENT", "makeDirectory", directory);
    }
  }

  async rename(from: string, to: string): Promise<void> {
    await mapped("rename", from, fs.promises.rename(from, to));
  }

  async remove(path: string): Promise<void> {
    await mapped("remove", path, fs.promises.unlink(path));
  }

  async removeDirectory(directory: string): Promise<void> {
    await mapped("removeDirectory", directory, fs.promises.rm(directory, { recursive: true }));
  }

  async syncDirectory(directory: string): Promise<void> {
    const handle = await mapped("open", directory, fs.promises.open(directory, "r"));
    try {
      await mapped("syncDirectory", directory, handle.sync());
    } finally {
      await handle.close();
    }
  }

  async exists(path: string): Promise<boolean> {
    try {
      await fs.promises.stat(path);
      return true;
    } catch (error) {
      const failure = mapError(error, "exists", path);
      if (failure.code === "ENOENT") return false;
      throw failure;
    }
  }

  async space(directory: string): Promise<DiskSpace> {
    const stats = await mapped("space", directory, fs.promises.statfs(directory));
    return {
      totalBytes: stats.blocks * stats.bsize,
      freeBytes: stats.bavail * stats.bsize,
    };
  }
}

/** Makes one directory, or finds it there; false when its parent is missing. */
async function makeOne(directory: string): Promise<boolean> {
  try {
    await fs.promises.mkdir(directory, DIRECTORY_MODE);
    return true;
  } catch (error) {
    const failure = mapError(error, "makeDirectory", directory);
    if (failure.code === "ENOENT") return false;
    if (failure.code !== "EEXIST") throw failure;
    const stats = await mapped("makeDirectory", directory, fs.promises.stat(directory));
    if (!stats.isDirectory()) throw failure;
    return true;
  }
}

type Failure = NodeJS.ErrnoException | null;

class NodeFileHandle implements FileHandle {
  readonly path: string;
  readonly #handle: fs.promises.FileHandle;
  #isPoisoned = false;

  constructor(path: string, handle: fs.promises.FileHandle) {
    this.path = path;
    this.#handle = handle;
  }

  async sizeBytes(): Promise<number> {
    this.#check("sizeBytes");
    const stats = await mapped("sizeBytes", this.path, this.#handle.stat());
    return stats.size;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#check("read");
    let filled = 0;
    while (filled < target.length) {
      const count = await this.#call("read", (fd, done: (e: Failure, n: number) => void) =>
        fs.read(fd, target, filled, target.length - filled, position + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    this.#check("write");
    let rest: readonly Uint8Array[] = parts;
    let restBytes = parts.reduce((sum, part) => sum + part.length, 0);
    let at = position;
    while (restBytes > 0) {
      const pending = rest;
      const start = at;
      const count = await this.#call("write", (fd, done: (e: Failure, n: number) => void) =>
        fs.writev(fd, pending, start, done),
      );
      if (count === 0) throw new FileSystemError("EIO", "write", this.path);
      restBytes -= count;
      at += count;
      // A short write is continued where it stopped: reporting it as done would leave a hole that
      // nobody knows of.
      if (restBytes > 0) rest = dropBytes(pending, count);
    }
  }

  async dataSync(): Promise<void> {
    this.#check("dataSync");
    try {
      await this.#call("dataSync", (fd, done: (e: Failure, n: number) => void) =>
        fs.fdatasync(fd, (error) => done(error, 0)),
      );
    } catch (error) {
      this.#isPoisoned = true;
      throw error;
    }
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check("truncate");
    await mapped("truncate", this.path, this.#handle.truncate(sizeBytes));
  }

  async close(): Promise<void> {
    await mapped("close", this.path, this.#handle.close());
  }

  #check(operation: string): void {
    if (this.#isPoisoned) throw new FileSystemError("POISONED", operation, this.path);
  }

  /** The callback interface costs a third of the promise one per call. */
  #call(
    operation: string,
    start: (fd: number, done: (error: Failure, count: number) => void) => void,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      start(this.#handle.fd, (error, count) => {
        if (error === null) resolve(count);
        else reject(mapError(error, operation, this.path));
      });
    });
  }
}

/** The parts without their first `count` bytes. */
function dropBytes(parts: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skip = count;
  let first = 0;
  while (first < parts.length && skip >= (parts[first] as Uint8Array).length) {
    skip -= (parts[first] as Uint8Array).length;
    first++;
  }
  const rest = parts.slice(first);
  if (skip > 0 && rest[0] !== undefined) rest[0] = rest[0].subarray(skip);
  return rest;
}
