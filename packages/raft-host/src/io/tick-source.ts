import type { Clock, Logger, Timer, Timers } from "@stratalog/base";

/** What a tick source needs. */
export interface TickSourceOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly logger: Logger;
  readonly tickMs: number;
  /** A tick later than this means that the process stood still. */
  readonly stallMs: number;
  readonly onTick: () => void;
}

/** Ticks that were late by less than a stall are made up for, this many at a time. */
const CATCH_UP_TICKS_MAX = 2;

/**
 * The one timer of a host. A process that stood still (paused, swapped out, a long collection) does
 * not tick on wake-up: its election clocks would run out before it has read what its sockets hold,
 * and it would campaign against a leader that never went away. The tick is left out, and the event
 * loop reads the sockets before the next one.
 */
export class TickSource {
  readonly #options: TickSourceOptions;
  #timer: Timer | undefined;
  #lastMs = 0;
  #owedMs = 0;
  #stallCount = 0;
  #isAfterStall = false;

  constructor(options: TickSourceOptions) {
    this.#options = options;
  }

  /** Times that the process stood still for longer than `stallMs`. */
  get stallCount(): number {
    return this.#stallCount;
  }

  start(): void {
    this.#lastMs = this.#options.clock.monotonicMs();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer = this.#options.timers.after(this.#options.tickMs, () => this.#fire());
  }

  #fire(): void {
    const { clock, tickMs, stallMs, logger, onTick } = this.#options;
    const nowMs = clock.monotonicMs();
    const elapsedMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    this.#schedule();
    if (elapsedMs >= stallMs) {
      this.#stallCount++;
      this.#owedMs = 0;
      logger.warn({ elapsedMs: Math.round(elapsedMs) }, "the event loop stood still");
      // A host that is slow all the time has read its sockets since the tick before.
      this.#isAfterStall = !this.#isAfterStall;
      if (!this.#isAfterStall) onTick();
      return;
    }
    this.#isAfterStall = false;
    this.#owedMs += elapsedMs;
    const due = Math.min(CATCH_UP_TICKS_MAX, Math.floor(this.#owedMs / tickMs));
    this.#owedMs = Math.min(this.#owedMs - due * tickMs, tickMs);
    for (let i = 0; i < due; i++) onTick();
  }
}
