import type { Logger, Timer, Timers } from "@stratalog/base";
import type { FileSystem } from "../ports/file-system.ts";

/**
 * Between two looks at the free space, when little is written: more often than the ballast is
 * looked after, so that producers are refused before they fill what throwing it overboard frees.
 */
const LOOK_EVERY_MS = 250;
/** Above the reserve by this part of it before producers come back, so that they do not flicker. */
const RESUME_PART = 8;
/** Below this part of the reserve not even followers take records: votes and commands come first. */
const FOLLOWER_PART = 2;
/** A byte of the WAL may be in a file that is new, and is in a segment soon. */
const COPIES_PER_BYTE = 2;

/**
 * Watches the free space of the data directory. Below the reserve producers are to be refused, and
 * below half of it records of other leaders too, so that what is left stays for votes,
 * truncations, retention and checkpoints, which free space.
 *
 * Between two looks it counts what is written: a fast disk fills a reserve in less than the time
 * to the next look.
 */
export class DiskReserve {
  readonly #fileSystem: FileSystem;
  readonly #directory: string;
  readonly #reserveBytes: number;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #timer: Timer | undefined;
  #looking: Promise<void> | undefined;
  #isReached = false;
  #isStopped = false;
  #freeBytes = Number.POSITIVE_INFINITY;
  #writtenBytes = 0;
  #writtenAtLook = 0;

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

  /** Whether so much of the reserve is gone that followers should take no records either. */
  get isHalfGone(): boolean {
    return this.#isReached && this.#freeBytes < this.#reserveBytes / FOLLOWER_PART;
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

  /**
   * So much was written to the WAL since the store was opened, and goes to segments soon: when that
   * may reach into the reserve, or into its second half, it looks now.
   */
  wrote(totalBytes: number): void {
    this.#writtenBytes = totalBytes;
    if (this.#reserveBytes === 0 || this.#isStopped || this.isHalfGone) return;
    const nextBytes = this.#isReached ? this.#reserveBytes / FOLLOWER_PART : this.#reserveBytes;
    const grownBytes = COPIES_PER_BYTE * (totalBytes - this.#writtenAtLook);
    if (this.#freeBytes - grownBytes < nextBytes) void this.#look();
  }

  #setTimer(): void {
    if (this.#isStopped) return;
    this.#timer = this.#timers.after(LOOK_EVERY_MS, () => {
      void this.#look().then(() => this.#setTimer());
    });
  }

  /** One look at a time: a file system that does not answer must not gather them. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    const written = this.#writtenBytes;
    let freeBytes: number;
    try {
      ({ freeBytes } = await this.#fileSystem.space(this.#directory));
    } catch (error) {
      this.#logger.warn({ error }, "the free space of the data directory is not known");
      return;
    }
    this.#freeBytes = freeBytes;
    this.#writtenAtLook = written;
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
