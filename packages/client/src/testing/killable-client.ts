import {
  machineClock,
  machineRandom,
  machineTimers,
  silentLogger,
  type Timers,
} from "@stratalog/base";
import { grpcTransport } from "../grpc/grpc-connection.ts";
import { Stratalog } from "../io/stratalog.ts";
import type { Connection, Transport } from "../ports/transport.ts";

/** A client that can be killed: nothing of it runs or is sent after that, as after `kill -9`. */
export class KillableClient {
  readonly client: Stratalog;
  readonly #connections = new Set<Connection>();
  #isDead = false;

  constructor(brokers: readonly string[]) {
    const timers: Timers = {
      after: (delayMs, task) => machineTimers.after(delayMs, () => this.#isDead || task()),
      endOfTurn: (task) => machineTimers.endOfTurn(() => this.#isDead || task()),
    };
    const transport: Transport = grpcTransport({ clock: machineClock, timers });
    const environment = {
      clock: machineClock,
      timers,
      random: machineRandom,
      logger: silentLogger,
      transport: {
        connect: (address: string): Connection => {
          const connection = transport.connect(address);
          this.#connections.add(connection);
          return connection;
        },
      },
    };
    this.client = new Stratalog(environment, { brokers });
  }

  /** Dies in the middle of whatever it does. A promise that it waited for never settles. */
  kill(): Promise<never> {
    this.#isDead = true;
    for (const connection of this.#connections) connection.close();
    return new Promise<never>(() => {});
  }
}
