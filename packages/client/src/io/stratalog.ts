import { CodedError } from "@stratalog/base";
import type { ClientEnvironment } from "../ports/environment.ts";
import { Admin } from "./admin/admin.ts";
import { Cluster } from "./cluster.ts";
import { Consumer } from "./consume/consumer.ts";
import type { ConsumerOptions } from "./consume/consumer-options.ts";
import type { MaterializeOptions } from "./materialize/materialize-options.ts";
import { MaterializedView } from "./materialize/materialized-view.ts";
import { Producer } from "./producer/producer.ts";
import type { ProducerOptions } from "./producer/producer-options.ts";
import { Replay } from "./replay/replay.ts";
import type { ReplayOptions } from "./replay/replay-options.ts";
import { Scope } from "./scope.ts";
import type { ClientMetrics } from "./telemetry.ts";

/** How a client reaches its cluster. */
export interface ClientOptions {
  /** Client addresses of some brokers, "host:port"; the others are learned from them. */
  readonly brokers: readonly string[];
  /** Name for the brokers' logs and descriptions of groups. Default "stratalog-client". */
  readonly clientId?: string;
  /** Milliseconds that a request may take, retries included. Default 30,000. */
  readonly requestTimeoutMs?: number;
}

/** Something of the client's that is closed with it. */
interface Closable {
  close(options?: { readonly timeoutMs?: number }): Promise<void>;
}

const REQUEST_TIMEOUT_MS = 30_000;

/**
 * A client of one cluster: makes producers, consumers, replays and admin. Nothing is dialled before
 * it is needed. Made by `connect`.
 */
export class Stratalog implements AsyncDisposable {
  readonly #scope: Scope;
  readonly #cluster: Cluster;
  readonly #open = new Set<Closable>();
  #closing: Promise<void> | undefined;

  constructor(environment: ClientEnvironment, options: ClientOptions) {
    const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
    if (!(requestTimeoutMs >= 1 && requestTimeoutMs <= 300_000)) {
      throw new CodedError("INVALID_CONFIG", "requestTimeoutMs may be 1 to 300,000");
    }
    this.#scope = new Scope("client", environment.timers);
    this.#cluster = new Cluster(
      environment,
      {
        brokers: checkAddresses(options.brokers),
        clientId: options.clientId ?? "stratalog-client",
        requestTimeoutMs,
      },
      this.#scope,
    );
  }

  /** A producer. Close it, or the client, so that what was sent is stored. */
  producer<Key = unknown, Value = unknown>(
    options: ProducerOptions<Key, Value> = {},
  ): Producer<Key, Value> {
    this.#scope.check();
    return this.#keep(new Producer(this.#cluster, options));
  }

  /** A consumer. It joins its group, or dials, when it is iterated. */
  consumer<Key = Uint8Array, Value = Uint8Array>(
    options: ConsumerOptions<Key, Value>,
  ): Consumer<Key, Value> {
    this.#scope.check();
    return this.#keep(new Consumer(this.#cluster, options));
  }

  /** Reads what a topic has, and ends. Dials when it is iterated. */
  replay<Key = Uint8Array, Value = Uint8Array>(
    options: ReplayOptions<Key, Value>,
  ): Replay<Key, Value> {
    this.#scope.check();
    return new Replay(this.#cluster, options);
  }

  /**
   * Folds a topic into the states of its keys, from a snapshot on when there is one. Resolves when
   * everything is in that was acknowledged before the call.
   */
  async materialize<State, Key = Uint8Array, Value = Uint8Array>(
    options: MaterializeOptions<State, Key, Value>,
  ): Promise<MaterializedView<State, Key, Value>> {
    this.#scope.check(options.signal);
    const view = new MaterializedView(this.#cluster, options);
    await view.load();
    await view.refresh({ to: options.to ?? "end" });
    return view;
  }

  /** What this client has done since it was made: counts that only grow. */
  metrics(): ClientMetrics {
    return this.#cluster.telemetry.metrics();
  }

  /** Creates, changes and describes topics, groups and the cluster. */
  admin(): Admin {
    this.#scope.check();
    return new Admin(this.#cluster);
  }

  /**
   * Closes producers and consumers, then every socket. Takes at most about `timeoutMs` (default
   * 10,000), whatever the brokers do. Rejects with the first failure of a part.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(options: { readonly timeoutMs?: number }): Promise<void> {
    const outcomes = await Promise.allSettled([...this.#open].map((part) => part.close(options)));
    this.#open.clear();
    this.#scope.close();
    this.#cluster.close();
    const failure = outcomes.find((outcome) => outcome.status === "rejected");
    if (failure !== undefined) throw CodedError.from(failure.reason);
  }

  #keep<Part extends Closable & { readonly closed: Promise<void> }>(part: Part): Part {
    this.#open.add(part);
    void part.closed.then(() => this.#open.delete(part));
    return part;
  }
}

function checkAddresses(brokers: readonly string[]): readonly string[] {
  if (brokers.length === 0) {
    throw new CodedError("INVALID_CONFIG", 'brokers is empty: name at least one, "host:port"');
  }
  for (const address of brokers) {
    if (!/^.+:\d{1,5}$/.test(address)) {
      throw new CodedError("INVALID_CONFIG", `broker ${address}: write "host:port"`);
    }
  }
  return brokers;
}
