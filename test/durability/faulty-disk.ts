import { setTimeout as delay } from "node:timers/promises";
import { type Deferred, deferred } from "@stratalog/base";
import {
  type DiskSpace,
  type FileHandle,
  type FileSystem,
  FileSystemError,
} from "@stratalog/log-store";

/** What a disk does when it is asked to sync a file. */
type SyncFault =
  | { readonly kind: "none" }
  /** Says that it is done after this time. */
  | { readonly kind: "slow"; readonly delayMs: number }
  /** Says nothing until it is let go. */
  | { readonly kind: "held"; readonly released: Deferred<void> }
  /** Fails once with EIO, then does as it is told. */
  | { readonly kind: "fails-once" };

/** The machine's files, with a disk behind them whose syncs are slow, hang or fail. */
export class FaultyDisk implements FileSystem {
  readonly #inner: FileSystem;
  #fault: SyncFault = { kind: "none" };
  #syncsUnderWay = 0;
  #failureCount = 0;

  constructor(inner: FileSystem) {
    this.#inner = inner;
  }

  /** Syncs that were asked for and are not answered. */
  get syncsUnderWay(): number {
    return this.#syncsUnderWay;
  }

  get failureCount(): number {
    return this.#failureCount;
  }

  slow(delayMs: number): void {
    this.#fault = { kind: "slow", delayMs };
  }

  /** No sync that begins from now on is answered until `heal` or `fail`. */
  hold(): void {
    this.#fault = { kind: "held", released: deferred() };
  }

  /** The next sync fails; those that are held fail now. */
  fail(): void {
    const fault = this.#fault;
    this.#fault = { kind: "fails-once" };
    if (fault.kind !== "held") return;
    this.#fault = { kind: "none" };
    fault.released.reject(new Error("the disk has lost its mind"));
  }

  heal(): void {
    const fault = this.#fault;
    this.#fault = { kind: "none" };
    if (fault.kind === "held") fault.released.resolve();
  }

  async open(path: string, mode: "read" | "write" | "create" | "exclusive"): Promise<FileHandle> {
    const handle = await this.#inner.open(path, mode);
    return {
      path,
      sizeBytes: () => handle.sizeBytes(),
      read: (target, position) => handle.read(target, position),
      write: (parts, position) => handle.write(parts, position),
      dataSync: () => this.#sync(path, () => handle.dataSync()),
      truncate: (sizeBytes) => handle.truncate(sizeBytes),
      close: () => handle.close(),
    };
  }

  list(directory: string): Promise<readonly string[]> {
    return this.#inner.list(directory);
  }

  makeDirectory(directory: string): Promise<void> {
    return this.#inner.makeDirectory(directory);
  }

  rename(from: string, to: string): Promise<void> {
    return this.#inner.rename(from, to);
  }

  remove(path: string): Promise<void> {
    return this.#inner.remove(path);
  }

  removeDirectory(directory: string): Promise<void> {
    return this.#inner.removeDirectory(directory);
  }

  syncDirectory(directory: string): Promise<void> {
    return this.#sync(directory, () => this.#inner.syncDirectory(directory));
  }

  exists(path: string): Promise<boolean> {
    return this.#inner.exists(path);
  }

  space(directory: string): Promise<DiskSpace> {
    return this.#inner.space(directory);
  }

  async #sync(path: string, sync: () => Promise<void>): Promise<void> {
    this.#syncsUnderWay++;
    try {
      await this.#suffer(path);
      await sync();
    } finally {
      this.#syncsUnderWay--;
    }
  }

  async #suffer(path: string): Promise<void> {
    const fault = this.#fault;
    if (fault.kind === "none") return;
    if (fault.kind === "slow") {
      // A timer may be early by a fraction of a millisecond; a disk that is slow is not.
      const endMs = performance.now() + fault.delayMs;
      while (performance.now() < endMs) await delay(Math.ceil(endMs - performance.now()));
      return;
    }
    if (fault.kind === "held") {
      await fault.released.promise.catch(() => this.#refuse(path));
      return;
    }
    this.#fault = { kind: "none" };
    this.#refuse(path);
  }

  #refuse(path: string): never {
    this.#failureCount++;
    throw new FileSystemError("EIO", "dataSync", path);
  }
}
