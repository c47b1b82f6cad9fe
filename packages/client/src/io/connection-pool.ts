import type { Connection, Transport } from "../ports/transport.ts";

/** More brokers than any cluster has: a list that grows past it is a bug or an attack. */
const CONNECTIONS_MAX = 256;

/** One connection per address. */
export class ConnectionPool {
  readonly #transport: Transport;
  readonly #connections = new Map<string, Connection>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The connection to an address; nothing is dialled before its first call. */
  get(address: string): Connection {
    let connection = this.#connections.get(address);
    if (connection === undefined) {
      if (this.#connections.size >= CONNECTIONS_MAX) this.#closeOldest();
      connection = this.#transport.connect(address);
      this.#connections.set(address, connection);
    }
    return connection;
  }

  close(): void {
    for (const connection of this.#connections.values()) connection.close();
    this.#connections.clear();
  }

  #closeOldest(): void {
    for (const [address, connection] of this.#connections) {
      this.#connections.delete(address);
      connection.close();
      return;
    }
  }
}
