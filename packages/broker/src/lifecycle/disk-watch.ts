import type { Logger, Timer, Timers } from "@stratalog/base";

/** Looks at one and the same write before it counts as stuck. */
const LOOKS = 4;
/** Looks without an attempt after the first one that was in vain; twice as many after each more. */
const PAUSE_LOOKS = 8;
const PAUSE_LOOKS_MAX = 256;

/**
 * Gives leaderships away while the disk does not answer, or is full while others have room:
 * followers go on by themselves, and a leader that cannot store what is proposed to it only keeps
 * them from doing so.
 *
 * Who is asked to take over may be too far behind, and while it is asked the leader takes nothing:
 * so after an attempt in vain it goes on as it can, and asks again after a pause that grows.
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
  readonly #handOver: () => Promise<{ readonly notTaken: number }>;
  #timer: Timer | undefined;
  #batch: number | undefined;
  #looks = 0;
  #isHandingOver = false;
  /** Looks that the next pause takes, and what is left of the one under way. */
  #nextPause = PAUSE_LOOKS;
  #pauseLeft = 0;

  constructor(options: {
    readonly timers: Timers;
    readonly logger: Logger;
    /** A write of the log that takes longer than this is stuck. */
    readonly stuckMs: number;
    /** The batch that is being written or synced now. */
    readonly batchUnderWay: () => number | undefined;
    /** Whether the disk is at its reserve. */
    readonly isFull: () => boolean;
    /**
     * Asks those who have room to take over; does nothing when there is nobody. Resolves with how
     * many leaderships were not taken though somebody was asked.
     */
    readonly handOver: () => Promise<{ readonly notTaken: number }>;
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
    if (!isStuck && !this.#isFull()) {
      this.#nextPause = PAUSE_LOOKS;
      this.#pauseLeft = 0;
      return;
    }
    if (this.#isHandingOver) return;
    if (this.#looks === LOOKS) {
      const forMs = this.#looks * this.#lookEveryMs;
      this.#logger.error({ forMs }, "the disk does not answer: leaderships are given away");
    }
    if (this.#pauseLeft > 0) {
      this.#pauseLeft--;
      return;
    }
    this.#isHandingOver = true;
    this.#handOver().then(
      ({ notTaken }) => this.#end(notTaken),
      (error: unknown) => {
        this.#end(1);
        this.#logger.warn({ error }, "leaderships could not be given away");
      },
    );
  }

  #end(notTaken: number): void {
    this.#isHandingOver = false;
    if (notTaken === 0) return;
    this.#pauseLeft = this.#nextPause;
    this.#nextPause = Math.min(this.#nextPause * 2, PAUSE_LOOKS_MAX);
  }
}
