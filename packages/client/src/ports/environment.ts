import type { Clock, Logger, Random, Timers } from "@stratalog/base";
import type { Transport } from "./transport.ts";

/** Everything of the outside world that a client touches. */
export interface ClientEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly transport: Transport;
  readonly logger: Logger;
}
