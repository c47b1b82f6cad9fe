import type { Clock } from "./clock.ts";
import type { Timers } from "./timers.ts";

/** A clock, and timers that go by it. */
export interface Time {
  readonly clock: Clock;
  readonly timers: Timers;
}
