import type { Logger, Timer, Timers } from "@stratalog/base";
import type { FileSystem } from "../ports/file-system.ts";

/** Between two looks at the free space: at 1 GB/s a default reserve is gone in a quarter of it. */
const LOOK_EVERY_MS = 1000;
/** Above the reserve by this part of it before producers come back, so that they do not flicker. */
const RESUME_PART = 8;

/**
 * Watches the free space of the data directory. Below the reserve producers are to be refused, so
 * that what is left stays for votes, truncations, retention and checkpoints, which free space.
 */
export class DiskReserve {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #reserveBytes: number;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #timer: Timer | undefined;
  #isReached = false;
  #isStopped = false;

  constructor(options: {
    readonly fileSystem: FileSystem;
    readonly directory: string;
    readonly diskReserveBytes: number;
    readonly timers: Timers;
    readonly logger: Logger;
  }) {
    this.#fileSystem = options.fileSystem;
    this.#directory = options.directory;
    this.#reserveBytes = options.diskReserveBytes;
    this.#timers = options.timers;
    this.#logger = options.logger;
  }

  /** Whether the free space is in the reserve. */
  get isReached(): boolean {
    return this.#isReached;
  }

  /** Looks once, then again and again until `stop`. A reserve of 0 is never looked after. */
  async start(): Promise<void> {
    if (this.#reserveBytes === 0) return;
    await this.#look();
    this.#setTimer();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  #setTimer(): void {
    if (this.#isStopped) return;
    this.#timer = this.#timers.after(LOOK_EVERY_MS, () => {
      // One look at a time: a file system that does not answer must not gather them.
      void this.#look().then(() => this.#setTimer());
    });
  }

  async #look(): Promise<void> {
    let freeBytes: number;
    try {
      freeBytes = await this.#fileSystem.freeBytes(this.#directory);
    } catch (error) {
      this.#logger.warn({ error }, "the free space of the data directory is not known");
      return;
    }
    const reserveBytes = this.#reserveBytes;
    const resumeBytes = reserveBytes + Math.floor(reserveBytes / RESUME_PART);
    const isReached = freeBytes < (this.#isReached ? resumeBytes : reserveBytes);
    if (isReached === this.#isReached) return;
    this.#isReached = isReached;
    const facts = { freeBytes, reserveBytes };
    if (isReached) this.#logger.warn(facts, "the disk is at its reserve: producers are refused");
    else this.#logger.info(facts, "the disk has room again: producers are welcome");
  }
}
