import type { Logger, Timer, Timers } from "@stratalog/base";

/** Looks at one and the same write before it counts as stuck. */
const LOOKS = 4;

/**
 * Gives leaderships away while the disk does not answer, or is full while others have room:
 * followers go on by themselves, and a leader that cannot store what is proposed to it only keeps
 * them from doing so.
 *
 * It counts looks and not milliseconds: an event loop that stood still looks once when it wakes,
 * and the answer of the disk is behind that look.
 */
export class DiskWatch {
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #lookEveryMs: number;
  readonly #batchUnderWay: () => number | undefined;
  readonly #isFull: () => boolean;
  readonly #handOver: () => Promise<unknown>;
  #timer: Timer | undefined;
  #batch: number | undefined;
  #looks = 0;
  #isHandingOver = false;

  constructor(options: {
    readonly timers: Timers;
    readonly logger: Logger;
    /** A write of the log that takes longer than this is stuck. */
    readonly stuckMs: number;
    /** The batch that is being written or synced now. */
    readonly batchUnderWay: () => number | undefined;
    /** Whether the disk is at its reserve. */
    readonly isFull: () => boolean;
    /** Asks those who have room to take over; does nothing when there is nobody. */
    readonly handOver: () => Promise<unknown>;
  }) {
    this.#timers = options.timers;
    this.#logger = options.logger;
    this.#lookEveryMs = Math.ceil(options.stuckMs / LOOKS);
    this.#batchUnderWay = options.batchUnderWay;
    this.#isFull = options.isFull;
    this.#handOver = options.handOver;
  }

  start(): void {
    this.#timer = this.#timers.after(this.#lookEveryMs, () => {
      this.#look();
      this.start();
    });
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #look(): void {
    const batch = this.#batchUnderWay();
    const isSame = batch !== undefined && batch === this.#batch;
    this.#batch = batch;
    this.#looks = isSame ? this.#looks + 1 : 0;
    const isStuck = this.#looks >= LOOKS;
    if (!(isStuck || this.#isFull()) || this.#isHandingOver) return;
    if (this.#looks === LOOKS) {
      const forMs = this.#looks * this.#lookEveryMs;
      this.#logger.error({ forMs }, "the disk does not answer: leaderships are given away");
    }
    this.#isHandingOver = true;
    const end = (): void => {
      this.#isHandingOver = false;
    };
    this.#handOver().then(end, (error: unknown) => {
      end();
      this.#logger.warn({ error }, "leaderships could not be given away");
    });
  }
}
