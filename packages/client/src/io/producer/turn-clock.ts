import type { Clock } from "@stratalog/base";

/** Records that may share one reading of the clocks. */
const READS_PER_TURN = 32;

/**
 * The time for records, read anew in every turn of the event loop and every 32 records: reading two
 * clocks costs more than encoding a small record.
 */
export class TurnClock {
  readonly #clock: Clock;
  #restCount = 0;
  /** Milliseconds since 1970, at the last `update`. */
  wallMs = 0;
  monotonicMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Before the times are used. */
  update(): void {
    if (this.#restCount > 0) {
      this.#restCount--;
      return;
    }
    this.#restCount = READS_PER_TURN - 1;
    this.wallMs = this.#clock.wallMs();
    this.monotonicMs = this.#clock.monotonicMs();
  }

  /** A turn is over. */
  expire(): void {
    this.#restCount = 0;
  }
}
