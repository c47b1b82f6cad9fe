import type { Logger, Timers } from "@stratalog/base";
import { parseWalFileName, walFileName } from "../core/file-names.ts";
import { type FileHandle, type FileSystem, FileSystemError } from "../ports/file-system.ts";
import { removeIfThere } from "./segment.ts";

const ZERO_BLOCK_BYTES = 1024 * 1024;
const FULL_DISK_RETRY_MS = 1000;
/** The first file after a start: a broker should not wait for more zeros than this. */
const FIRST_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** On a disk that is nearly full a file is made with what there is, and of this size at least. */
const SMALLEST_FILE_BYTES = 256 * 1024;
/** Zeros take at most this part of what is free: votes and checkpoints need room meanwhile. */
const FREE_PART = 2;

/** A file of so many times the size that was asked for is not kept. */
const GROWN_FACTOR = 2;

/** A WAL file that is open for writing. */
export interface WalFile {
  readonly life: number;
  readonly path: string;
  readonly handle: FileHandle;
  /**
   * Bytes that exist already, as zeros or as the remains of a former life: writing there changes no
   * metadata.
   */
  readonly capacityBytes: number;
}

/**
 * The files of the WAL directory: makes the next one in the background, from zeros or from a file
 * that is no longer needed, under a life number that was never used. A sync of a file that exists
 * in full is half as dear as one of a file that grows.
 */
export class WalFiles {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #fileBytes: number;
  readonly #sparesMax: number;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #nextLife: number;
  #next: Promise<WalFile> | undefined;
  readonly #spares: string[] = [];
  #isClosed = false;
  /** What a full disk stopped: the next file, and a batch larger than its own. */
  readonly #waiting = new Set<() => void>();

  constructor(options: {
    readonly fileSystem: FileSystem;
    readonly directory: string;
    readonly fileBytes: number;
    /**
     * Old files kept for another life; more are removed. With as many as a checkpoint frees at once
     * no file is filled with zeros after the first round, which is a third of all bytes written.
     */
    readonly sparesMax: number;
    readonly timers: Timers;
    readonly logger: Logger;
    readonly nextLife: number;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#directory = options.directory;
    this.#fileBytes = options.fileBytes;
    this.#sparesMax = options.sparesMax;
    this.#timers = options.timers;
    this.#logger = options.logger;
    this.#nextLife = options.nextLife;
  }

  /** Life numbers of the files that are there, ascending. */
  static async listLives(fileSystem: FileSystem, directory: string): Promise<readonly number[]> {
    const names = await fileSystem.list(directory);
    const lives = names.map(parseWalFileName).filter((life) => life !== undefined);
    return lives.toSorted((a, b) => a - b);
  }

  pathOf(life: number): string {
    return `${this.#directory}/${walFileName(life)}`;
  }

  /**
   * The next file: prepared before, or made now, and then a small one so that it does not take
   * long.
   */
  async take(): Promise<WalFile> {
    const next = this.#next ?? this.#prepare(Math.min(this.#fileBytes, FIRST_FILE_BYTES_MAX));
    this.#next = undefined;
    return next;
  }

  /** Begins to make the next file, so that `take` need not wait. */
  prepareNext(): void {
    if (this.#next !== undefined) return;
    const preparing = this.#prepare(this.#fileBytes);
    // Whoever takes the file sees the error; until then it must not count as unhandled.
    preparing.catch(() => {});
    this.#next = preparing;
  }

  /**
   * A file whose batches are all checkpointed: it waits for another life, or goes. One that a large
   * batch made grow goes too: with many of them the WAL would take more of the disk than it was
   * given.
   */
  async retire(path: string, sizeBytes: number): Promise<void> {
    const isReusable =
      sizeBytes >= this.#fileBytes &&
      sizeBytes < this.#fileBytes * GROWN_FACTOR &&
      this.#spares.length < this.#sparesMax;
    if (isReusable) this.#spares.push(path);
    else await removeIfThere(this.#fileSystem, path);
  }

  /** The same for a file of before the start, whose size has to be looked up. */
  async retireUnknown(path: string): Promise<void> {
    const handle = await this.#fileSystem.open(path, "read");
    const sizeBytes = await handle.sizeBytes();
    await handle.close();
    await this.retire(path, sizeBytes);
  }

  /**
   * Keeps a file that recovery could not believe, under another name, for whoever has to look into
   * it.
   */
  async quarantine(path: string): Promise<void> {
    await this.#fileSystem.rename(path, `${path}.damaged`);
  }

  /** From now on nothing waits for room: what a full disk refuses fails at once. */
  stopWaiting(): void {
    this.#isClosed = true;
    for (const wake of this.#waiting) wake();
  }

  async close(): Promise<void> {
    this.stopWaiting();
    const next = await this.#next?.catch(() => undefined);
    await next?.handle.close();
  }

  async #prepare(sizeBytes: number): Promise<WalFile> {
    const life = this.#nextLife++;
    const path = this.pathOf(life);
    for (;;) {
      try {
        return await this.#make(life, path, await this.#affordable(sizeBytes));
      } catch (error) {
        if (!isDiskFull(error)) throw error;
        await removeIfThere(this.#fileSystem, path);
        this.#logger.warn({ path }, "no space for the next WAL file");
        if (!(await this.waitForSpace())) throw error;
      }
    }
  }

  async #affordable(sizeBytes: number): Promise<number> {
    const { freeBytes } = await this.#fileSystem.space(this.#directory);
    const smallestBytes = Math.min(sizeBytes, SMALLEST_FILE_BYTES);
    return Math.max(smallestBytes, Math.min(sizeBytes, Math.floor(freeBytes / FREE_PART)));
  }

  /**
   * Waits a while before something is tried again that a full disk stopped. Answers false once
   * nothing waits any more.
   */
  async waitForSpace(): Promise<boolean> {
    if (this.#isClosed) return false;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        timer.cancel();
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = this.#timers.after(FULL_DISK_RETRY_MS, wake);
      this.#waiting.add(wake);
    });
    return true;
  }

  async #make(life: number, path: string, sizeBytes: number): Promise<WalFile> {
    const spare = this.#spares.shift();
    let handle: FileHandle;
    if (spare === undefined) {
      handle = await this.#fileSystem.open(path, "exclusive");
      try {
        await this.#fillWithZeros(handle, sizeBytes);
        await handle.dataSync();
      } catch (error) {
        await handle.close();
        throw error;
      }
    } else {
      await this.#fileSystem.rename(spare, path);
      handle = await this.#fileSystem.open(path, "write");
    }
    // The name must be durable before a batch in the file can be.
    await this.#fileSystem.syncDirectory(this.#directory);
    return { life, path, handle, capacityBytes: await handle.sizeBytes() };
  }

  async #fillWithZeros(handle: FileHandle, sizeBytes: number): Promise<void> {
    const zeros = new Uint8Array(Math.min(ZERO_BLOCK_BYTES, sizeBytes));
    for (let position = 0; position < sizeBytes; position += zeros.length) {
      const part = zeros.subarray(0, Math.min(zeros.length, sizeBytes - position));
      await handle.write([part], position);
    }
  }
}

/** Whether a call failed for want of space: it may be tried again, since nothing was promised. */
export function isDiskFull(error: unknown): boolean {
  return error instanceof FileSystemError && error.code === "ENOSPC";
}
