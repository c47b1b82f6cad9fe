/**
 * The complete list of file primitives that Stratalog allows itself on the data path. Paths are
 * absolute.
 *
 * Every promise either means exactly what it says or rejects with a {@link FileSystemError}: a
 * write that wrote less than
 * asked is continued or rejected, never reported as done. After a failed sync the handle is
 * poisoned: every later call on
 * it rejects, because the kernel marks pages clean whose write failed, so that a second sync would
 * lie.
 */
export interface FileSystem {
  /** `create`: made when missing; `exclusive`: must not exist. */
  open(path: string, mode: "read" | "write" | "create" | "exclusive"): Promise<FileHandle>;
  /** Names in a directory, sorted. Rejects with ENOENT when it does not exist. */
  list(directory: string): Promise<readonly string[]>;
  /**
   * Makes a directory and its parents; harmless when it exists. Durable after `syncDirectory` of
   * the parent.
   */
  makeDirectory(directory: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes a directory and all below it. */
  removeDirectory(directory: string): Promise<void>;
  /** Makes creations, renames and removals in this directory durable. */
  syncDirectory(directory: string): Promise<void>;
  exists(path: string): Promise<boolean>;
  /** The disk that a directory is on. */
  space(directory: string): Promise<DiskSpace>;
}

/** How large a disk is, and what an unprivileged process may still write. */
export interface DiskSpace {
  readonly totalBytes: number;
  readonly freeBytes: number;
}

/** An open file. Ranges are half-open byte positions. */
export interface FileHandle {
  readonly path: string;
  sizeBytes(): Promise<number>;
  /**
   * Fills `target` from `position`; resolves with the bytes read, fewer only at the end of the
   * file.
   */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * Writes all parts one after the other from `position`, in one vectored call where the system
   * has one.
   */
  write(parts: readonly Uint8Array[], position: number): Promise<void>;
  /** Makes the file's bytes (and its size when that changed) durable. */
  dataSync(): Promise<void>;
  truncate(sizeBytes: number): Promise<void>;
  close(): Promise<void>;
}

/** ENOENT and EEXIST are outcomes to expect; the others are faults. */
export type FileSystemErrorCode =
  | "ENOENT"
  | "EEXIST"
  | "EACCES"
  | "ENOSPC"
  | "EIO"
  | "EMFILE"
  | "POISONED"
  | "OTHER";

/** A file call that did not do what was asked. */
export class FileSystemError extends Error {
  override readonly name = "FileSystemError";
  readonly code: FileSystemErrorCode;
  readonly operation: string;
  readonly path: string;

  constructor(code: FileSystemErrorCode, operation: string, path: string, cause?: unknown) {
    const reason = code === "OTHER" && cause instanceof Error ? cause.message : code;
    super(`${operation} ${path}: ${reason}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.operation = operation;
    this.path = path;
  }
}
