import type { Timers } from "@stratalog/base";
import type { ServiceName } from "@stratalog/protocol";
import type { ClientMethods } from "../client-services.ts";
import type { ClientPort } from "../client-port.ts";
import type { Answer, MethodEnvironment, Serve } from "../rpc/method.ts";
import { LocalConnection } from "./local-connection.ts";

/** A method of whatever messages; the codecs of its name decide which. */
export type LocalMethod =
  | { readonly kind: "unary"; readonly answer: Answer<unknown, unknown> }
  | { readonly kind: "stream"; readonly serve: Serve<unknown, unknown> };

/** What carries messages between a client and the port. */
export interface LocalPortOptions {
  readonly environment: MethodEnvironment;
  readonly methods: ClientMethods;
  readonly timers: Timers;
  /** The number that `start` gives. */
  readonly port: number;
  /**
   * Runs a task on the other side; tasks keep their order. Default: at the end of the turn. A
   * simulation adds delay.
   */
  readonly carry?: (task: () => void) => void;
}

/**
 * The client port in memory: the same methods as over gRPC, the same bytes (every message is
 * encoded and decoded), no socket. For simulations under a virtual clock and for clusters inside
 * one process.
 */
export class LocalPort implements ClientPort {
  readonly #options: LocalPortOptions;
  readonly #connections = new Set<LocalConnection>();
  #state: "closed" | "open" | "stopping" = "closed";
  #refusedCount = 0;

  constructor(options: LocalPortOptions) {
    this.#options = options;
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get refusedConnectionCount(): number {
    return this.#refusedCount;
  }

  get environment(): MethodEnvironment {
    return this.#options.environment;
  }

  get timers(): Timers {
    return this.#options.timers;
  }

  /** Whether calls are taken. */
  get isOpen(): boolean {
    return this.#state === "open";
  }

  get isStopping(): boolean {
    return this.#state === "stopping";
  }

  start(): Promise<number> {
    this.#state = "open";
    return Promise.resolve(this.#options.port);
  }

  /** Nobody asks a port in memory for its health. */
  setServing(_isServing: boolean): void {}

  async stop(graceMs: number): Promise<void> {
    this.#state = "stopping";
    const connections = [...this.#connections];
    for (const connection of connections) connection.drain();
    const { timers } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = timers.after(graceMs, resolve);
      void Promise.all(connections.map((connection) => connection.idle())).then(() => {
        timer.cancel();
        resolve();
      });
    });
    this.#state = "closed";
    for (const connection of connections) connection.close();
  }

  /**
   * A client's connection; `peer` is its address. Its calls fail with BROKER_NOT_AVAILABLE while
   * the port is closed.
   */
  connect(peer: string): LocalConnection {
    const connection = new LocalConnection(this, peer, () => this.#connections.delete(connection));
    if (this.isOpen) this.#connections.add(connection);
    else this.#refusedCount++;
    return connection;
  }

  carry(task: () => void): void {
    if (this.#options.carry !== undefined) this.#options.carry(task);
    else this.#options.timers.endOfTurn(task);
  }

  /** The method of a name. */
  method(service: ServiceName, name: string): LocalMethod | undefined {
    // Their types say which messages each takes; here they are a table.
    const methods = this.#options.methods[service] as unknown as Record<string, LocalMethod>;
    return Object.hasOwn(methods, name) ? methods[name] : undefined;
  }
}
