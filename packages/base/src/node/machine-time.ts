import type { Time } from "../ports/time.ts";
import { machineClock } from "./machine-clock.ts";
import { machineTimers } from "./machine-timers.ts";

/** The machine's clocks and the event loop's timers. */
export const machineTime: Time = { clock: machineClock, timers: machineTimers };
