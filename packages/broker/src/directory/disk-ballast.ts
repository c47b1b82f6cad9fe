import { CodedError, type Logger, type Timer, type Timers } from "@stratalog/base";
import { type FileSystem, FileSystemError } from "@stratalog/log-store";

/** Name of the file in the data directory. */
export const BALLAST_FILE = "ballast";

const MIB = 1024 * 1024;
const BALLAST_BYTES_MAX = 32 * MIB;
/** The ballast's part of the reserve. */
const RESERVE_PART = 8;
/** Room that the key-value store is left beyond what it is asked to write, as a part of the ballast. */
const MARGIN_PART = 8;
const LOOK_EVERY_MS = 1000;
/** Most brokers that are started and stopped within seconds are tests: they need no ballast. */
const FIRST_LOOK_MS = 5000;
const ZERO_BLOCK_BYTES = MIB;

export interface DiskBallastOptions {
  readonly fileSystem: FileSystem;
  /** The data directory. */
  readonly directory: string;
  /** The setting `disk.reserve.bytes`; without a reserve there is no ballast either. */
  readonly reserveBytes: number;
  readonly timers: Timers;
  readonly logger: Logger;
}

/**
 * A file of zeros that is there to be thrown overboard. The reserve of disk only keeps this broker's
 * own producers out; when somebody else fills the disk to the last byte, checkpoints have no room,
 * and without a checkpoint retention may remove nothing. Then the ballast goes, and what it took is
 * room for them. It is made again once there is space.
 */
export class DiskBallast {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #path: string;
  readonly #reserveBytes: number;
  readonly #sizeBytes: number;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #isThere = false;
  #isStopped = false;
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();
  #wake: (() => void) | undefined;

  constructor(options: DiskBallastOptions) {
    this.#fileSystem = options.fileSystem;
    this.#directory = options.directory;
    this.#path = `${options.directory}/${BALLAST_FILE}`;
    this.#reserveBytes = options.reserveBytes;
    this.#sizeBytes = Math.min(BALLAST_BYTES_MAX, Math.floor(options.reserveBytes / RESERVE_PART));
    this.#timers = options.timers;
    this.#logger = options.logger;
  }

  /**
   * To be called once the directory is there and before anything in it is opened for writing.
   * Rejects with INVALID_CONFIG when the reserve is more than half of the disk.
   */
  async open(): Promise<void> {
    if (this.#sizeBytes === 0) return;
    const { totalBytes, freeBytes } = await this.#fileSystem.space(this.#directory);
    if (this.#reserveBytes > totalBytes / 2) {
      throw new CodedError(
        "INVALID_CONFIG",
        `disk.reserve.bytes is ${this.#reserveBytes}, more than half of the ${totalBytes} bytes of ` +
          `the disk that ${this.#directory} is on: set it to at most ${Math.floor(totalBytes / 2)}`,
      );
    }
    this.#isThere = await this.#isWhole();
    if (this.#isThere && freeBytes < this.#marginBytes) await this.#release();
    this.#setTimer(FIRST_LOOK_MS);
  }

  /**
   * Resolves when so many bytes can be written with room to spare; throws the ballast overboard
   * when that helps, and waits otherwise. Rejects with CLOSED after `stop`.
   */
  async room(bytes: number): Promise<void> {
    if (this.#sizeBytes === 0) return;
    for (let isFirst = true; ; isFirst = false) {
      const { freeBytes } = await this.#fileSystem.space(this.#directory);
      if (freeBytes >= bytes + this.#marginBytes) return;
      if (this.#isThere) await this.#release();
      else if (this.#isStopped) {
        throw new CodedError("CLOSED", "the broker stops, and its disk is full");
      } else {
        const facts = { freeBytes, bytes };
        if (isFirst) this.#logger.error(facts, "the disk is full: checkpoints wait for space");
        await this.#wait();
      }
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#wake?.();
    await this.#looking;
  }

  get #marginBytes(): number {
    return Math.floor(this.#sizeBytes / MARGIN_PART);
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timers.after(LOOK_EVERY_MS, resolve);
    });
  }

  #setTimer(delayMs: number): void {
    if (this.#isStopped) return;
    this.#timer = this.#timers.after(delayMs, () => {
      this.#looking = this.#look().catch((error: unknown) => {
        this.#logger.warn({ error }, "the ballast of the data directory cannot be looked after");
      });
      void this.#looking.then(() => this.#setTimer(LOOK_EVERY_MS));
    });
  }

  async #look(): Promise<void> {
    const { freeBytes } = await this.#fileSystem.space(this.#directory);
    if (this.#isThere) {
      if (freeBytes < this.#marginBytes) await this.#release();
    } else if (freeBytes > this.#reserveBytes + 2 * this.#sizeBytes) {
      await this.#make();
    }
  }

  async #release(): Promise<void> {
    this.#isThere = false;
    try {
      await this.#fileSystem.remove(this.#path);
    } catch (error) {
      if (!(error instanceof FileSystemError && error.code === "ENOENT")) throw error;
    }
    this.#logger.warn({ bytes: this.#sizeBytes }, "the disk is full: the ballast is given up");
  }

  async #isWhole(): Promise<boolean> {
    if (!(await this.#fileSystem.exists(this.#path))) return false;
    const file = await this.#fileSystem.open(this.#path, "read");
    const sizeBytes = await file.sizeBytes();
    await file.close();
    if (sizeBytes === this.#sizeBytes) return true;
    await this.#fileSystem.remove(this.#path);
    return false;
  }

  /** Not synced: after a crash it may be too short, and is made again. */
  async #make(): Promise<void> {
    const file = await this.#fileSystem.open(this.#path, "create");
    try {
      const zeros = new Uint8Array(Math.min(ZERO_BLOCK_BYTES, this.#sizeBytes));
      for (let position = 0; position < this.#sizeBytes; position += zeros.length) {
        if (this.#isStopped) return;
        const part = zeros.subarray(0, Math.min(zeros.length, this.#sizeBytes - position));
        await file.write([part], position);
      }
      this.#isThere = true;
    } catch (error) {
      if (!(error instanceof FileSystemError && error.code === "ENOSPC")) throw error;
      await this.#release();
    } finally {
      await file.close();
    }
  }
}
