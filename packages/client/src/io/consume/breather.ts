import type { ClientEnvironment } from "../../ports/environment.ts";

const BUSY_MS = 500;

/**
 * Sees to it that whatever hands out records without a pause lets timers and sockets run now and
 * then. Without it, handlers that block the event loop one after the other would add up to one
 * block in which no ping leaves.
 */
export class Breather {
  readonly #environment: ClientEnvironment;
  readonly #caughtUp: () => Promise<void>;
  #lastMs: number;

  constructor(environment: ClientEnvironment, caughtUp: () => Promise<void>) {
    this.#environment = environment;
    this.#caughtUp = caughtUp;
    this.#lastMs = environment.clock.monotonicMs();
  }

  /** Whether the event loop may not have turned for half a second. */
  get isDue(): boolean {
    return this.#environment.clock.monotonicMs() - this.#lastMs >= BUSY_MS;
  }

  /** The event loop has just turned. */
  mark(): void {
    this.#lastMs = this.#environment.clock.monotonicMs();
  }

  /** Lets due timers run and what they wrote leave, then waits until the group has answered. */
  async take(): Promise<void> {
    const { timers } = this.#environment;
    await new Promise<void>((resolve) => {
      timers.after(0, () => timers.endOfTurn(resolve));
    });
    await this.#caughtUp();
    this.mark();
  }
}
