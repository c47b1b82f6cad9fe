import { CodedError, type ErrorCode } from "@stratalog/base";
import type { ServiceName } from "@stratalog/protocol";
import { backoffMs, LEADER_BACKOFF, RETRY_BACKOFF } from "../core/backoff.ts";
import {
  hasPartition,
  joinAddress,
  type KnownTopic,
  MetadataCache,
  unknownPartition,
} from "../core/metadata-cache.ts";
import type { ClientEnvironment } from "../ports/environment.ts";
import type { Connection, RequestOf, ResponseOf, UnaryName } from "../ports/transport.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { MetadataRefresher } from "./metadata-refresher.ts";
import { Telemetry } from "./telemetry.ts";
import type { Scope } from "./scope.ts";

/** How a client finds and treats brokers. */
export interface ClusterOptions {
  /** Addresses to begin with, "host:port". */
  readonly brokers: readonly string[];
  readonly requestTimeoutMs: number;
  readonly clientId: string;
}

/** One call to whichever broker answers. */
export interface AnyCall<S extends ServiceName, M extends UnaryName<S>> {
  readonly service: S;
  readonly method: M;
  readonly request: RequestOf<S, M>;
  /** A read may be asked again elsewhere when no answer came; a change may not. */
  readonly effect: "read" | "change";
  readonly signal?: AbortSignal | undefined;
  /** Default: the client's request timeout. */
  readonly timeoutMs?: number | undefined;
  /** Asked first, and again after it said NOT_…: the broker that knows. */
  readonly brokerId?: number | undefined;
  /** Default "last-good": the broker that answered last comes first. */
  readonly order?: "last-good" | "rotate";
  /** Patience with one broker in the first round of a read; doubles. Default: the longest. */
  readonly attemptMs?: number;
}

/** A read that gets no answer within this long is asked elsewhere. */
const READ_ATTEMPT_MS = 2_000;
/** The same for metadata at first: it comes from memory, and what is asked for is a way out. */
const METADATA_ATTEMPT_MS = 300;
/** A client that never reached any broker gives up after this long, or its request timeout. */
const FIRST_CONTACT_MS = 5_000;
/** How long a topic that no broker knows is waited for: news of a new topic takes a moment. */
const UNKNOWN_TOPIC_MS = 5_000;

/** How often a topic is asked about for a partition that it is not known to have. */
const NEW_PARTITION_LOOKS = 3;

/** A broker that did not answer is asked after the others for this long. */
const SUSPECT_MS = 5_000;
/** How old what is known of a topic may get. */
const METADATA_AGE_MS = 60_000;

const UNREACHABLE: readonly ErrorCode[] = ["BROKER_NOT_AVAILABLE", "REQUEST_TIMED_OUT"];
/** Retriable in general, but here it answers the caller's question. */
const FINAL: readonly ErrorCode[] = ["UNKNOWN_TOPIC_OR_PARTITION"];

/** The cluster as one client sees it: connections, leaders, and calls that find their broker. */
export class Cluster {
  readonly cache = new MetadataCache();
  readonly telemetry = new Telemetry();
  readonly environment: ClientEnvironment;
  readonly options: ClusterOptions;
  readonly scope: Scope;
  readonly #pool: ConnectionPool;
  readonly #refresher: MetadataRefresher;
  #lastGood: string | undefined;
  #rotation = 0;
  readonly #failedMs = new Map<string, number>();
  #wasReached = false;

  constructor(environment: ClientEnvironment, options: ClusterOptions, scope: Scope) {
    this.environment = environment;
    this.options = options;
    this.scope = scope;
    this.#pool = new ConnectionPool(environment.transport);
    this.#refresher = new MetadataRefresher({
      scope,
      clock: environment.clock,
      fetch: async (topics) => {
        const response = await this.callAny({
          service: "MetadataService",
          method: "getMetadata",
          request: { topics },
          effect: "read",
          // Each broker has its own view, and one may be behind: the next one is asked each time.
          order: "rotate",
          attemptMs: METADATA_ATTEMPT_MS,
        });
        this.cache.apply(response, environment.clock.monotonicMs());
      },
    });
  }

  /** The connection to a broker whose address is known. */
  broker(brokerId: number): Connection | undefined {
    const address = this.cache.address(brokerId);
    return address === undefined ? undefined : this.#pool.get(address);
  }

  /** The connection to a broker that an answer gave the address of; its known one otherwise. */
  brokerAt(brokerId: number, host: string, port: number): Connection {
    const told = host === "" || port === 0 ? undefined : joinAddress(host, port);
    const address = told ?? this.cache.address(brokerId);
    if (address !== undefined) return this.#pool.get(address);
    throw new CodedError("BROKER_NOT_AVAILABLE", `the address of broker ${brokerId} is not known`);
  }

  /** A broker that owes answers, or whose connection broke: for a while it is asked last. */
  suspect(brokerId: number): void {
    const address = this.cache.address(brokerId);
    if (address === undefined) return;
    this.#failedMs.set(address, this.environment.clock.monotonicMs());
    if (this.#lastGood === address) this.#lastGood = undefined;
  }

  /** Asks for the leaders of some topics anew; calls in a short time share one answer. */
  refresh(topics: readonly string[], signal?: AbortSignal): Promise<void> {
    return this.scope.race(this.#refresher.refresh(topics), signal);
  }

  /** Asks about a topic again when that was long ago: it may have more partitions by now. */
  refreshIfOld(topic: KnownTopic, nowMs: number): void {
    if (nowMs - topic.askedMs < METADATA_AGE_MS) return;
    topic.askedMs = nowMs;
    this.refresh([topic.name]).catch(() => {
      // What is known still works; the next time is as far away as this one was.
    });
  }

  /**
   * A topic, asked for when it is not known yet. One that no broker knows is waited for a few
   * seconds, then UNKNOWN_TOPIC_OR_PARTITION.
   */
  async topic(name: string, signal?: AbortSignal): Promise<KnownTopic> {
    const { clock, random } = this.environment;
    const deadlineMs =
      clock.monotonicMs() + Math.min(UNKNOWN_TOPIC_MS, this.options.requestTimeoutMs);
    for (let attempt = 1; ; attempt++) {
      const known = this.cache.topic(name);
      if (known !== undefined && known.leaders.length > 0) return known;
      await this.refresh([name], signal);
      const found = this.cache.topic(name);
      if (found !== undefined && found.leaders.length > 0) return found;
      const error = this.cache.topicError(name);
      if (error !== undefined && !error.retriable) throw error;
      if (clock.monotonicMs() >= deadlineMs) {
        throw new CodedError(
          "UNKNOWN_TOPIC_OR_PARTITION",
          `there is no topic ${name}: create it first, or check the name`,
          { details: { topic: name } },
        );
      }
      await this.scope.sleep(backoffMs(RETRY_BACKOFF, attempt, random), signal);
    }
  }

  /**
   * A topic that has a partition of this number. One that is not known is looked for again before
   * UNKNOWN_TOPIC_OR_PARTITION: it may have come since the topic was asked about, and some brokers
   * hear of it late.
   */
  async topicWith(name: string, partition: number, signal?: AbortSignal): Promise<KnownTopic> {
    for (let look = 1; ; look++) {
      const known = await this.topic(name, signal);
      if (hasPartition(known, partition)) return known;
      const mayCome = Number.isInteger(partition) && partition >= 0;
      if (!mayCome || look > NEW_PARTITION_LOOKS) throw unknownPartition(known, partition);
      await this.refresh([name], signal);
    }
  }

  /** The connection to a partition's leader, waiting for one when there is none right now. */
  async leader(
    topic: string,
    partition: number,
    limits: { readonly deadlineMs: number; readonly signal?: AbortSignal | undefined },
  ): Promise<Connection> {
    for (let attempt = 1; ; attempt++) {
      const known = await this.topicWith(topic, partition, limits.signal);
      const leader = known.leaders[partition];
      const connection = leader === undefined ? undefined : this.broker(leader.brokerId);
      if (connection !== undefined) return connection;
      if (this.environment.clock.monotonicMs() >= limits.deadlineMs) {
        throw new CodedError(
          "LEADER_NOT_AVAILABLE",
          `partition ${partition} of ${topic} has no leader: are most of its brokers running?`,
          { details: { topic, partition } },
        );
      }
      const waitMs = backoffMs(LEADER_BACKOFF, attempt, this.environment.random);
      await this.scope.sleep(waitMs, limits.signal);
      await this.refresh([topic], limits.signal);
    }
  }

  /**
   * Calls whichever broker answers, beginning with the one that answered last. Waits out a cluster
   * that has no controller or coordinator right now. Rejects with what the brokers said, or with
   * BROKER_NOT_AVAILABLE and the addresses that were tried.
   */
  async callAny<S extends ServiceName, M extends UnaryName<S>>(
    call: AnyCall<S, M>,
  ): Promise<ResponseOf<S, M>> {
    const { clock, random } = this.environment;
    const startMs = clock.monotonicMs();
    const budgetMs = call.timeoutMs ?? this.options.requestTimeoutMs;
    for (let attempt = 1; ; attempt++) {
      const round = await this.#askRound(call, { attempt, deadlineMs: startMs + budgetMs });
      if (round.ok) return round.response;
      const contactMs = this.#wasReached ? budgetMs : FIRST_CONTACT_MS;
      const waitMs = backoffMs(RETRY_BACKOFF, attempt, random);
      if (clock.monotonicMs() + waitMs - startMs >= Math.min(budgetMs, contactMs)) {
        throw round.error;
      }
      await this.scope.sleep(waitMs, call.signal);
    }
  }

  /** Lets go of every socket at once. */
  close(): void {
    this.#pool.close();
  }

  async #askRound<S extends ServiceName, M extends UnaryName<S>>(
    call: AnyCall<S, M>,
    { attempt, deadlineMs }: { readonly attempt: number; readonly deadlineMs: number },
  ): Promise<Round<ResponseOf<S, M>>> {
    const failures: string[] = [];
    const firstMs = call.attemptMs ?? READ_ATTEMPT_MS;
    const patienceMs = Math.min(READ_ATTEMPT_MS, firstMs * 2 ** (attempt - 1));
    let said: CodedError | undefined;
    for (const address of this.#candidates(call)) {
      this.scope.check(call.signal);
      const restMs = Math.max(1, deadlineMs - this.environment.clock.monotonicMs());
      const timeoutMs = call.effect === "read" ? Math.min(restMs, patienceMs) : restMs;
      try {
        const { service, method, request, signal } = call;
        const connection = this.#pool.get(address);
        const limits = { timeoutMs, signal };
        const response = await connection.call(service, method, request, limits);
        this.#markGood(address);
        return { ok: true, response };
      } catch (thrown) {
        if (this.scope.isClosed) throw this.scope.closedError();
        const error = CodedError.from(thrown);
        if (!error.retriable || FINAL.includes(error.code)) throw error;
        if (UNREACHABLE.includes(error.code)) {
          if (call.effect === "change" && error.outcomeUnknown) throw error;
          this.#failedMs.set(address, this.environment.clock.monotonicMs());
          failures.push(`${address} (${brief(error.message)})`);
          if (this.#lastGood === address) this.#lastGood = undefined;
        } else {
          this.#markGood(address);
          said ??= error;
        }
      }
    }
    return { ok: false, error: said ?? unreachableError(failures) };
  }

  #markGood(address: string): void {
    this.#failedMs.delete(address);
    this.#lastGood = address;
    this.#wasReached = true;
  }

  /** Whom to ask, in order: those that did not answer a moment ago come last. */
  #candidates(call: {
    readonly brokerId?: number | undefined;
    readonly order?: "last-good" | "rotate";
  }): readonly string[] {
    const { brokerId, order } = call;
    const first = brokerId === undefined ? undefined : this.cache.address(brokerId);
    const known = this.cache.addresses();
    const turn = order === "rotate" && known.length > 0 ? this.#rotation++ % known.length : 0;
    const rotated = [...known.slice(turn), ...known.slice(0, turn)];
    const favourite = order === "rotate" ? undefined : this.#lastGood;
    const named = [first, favourite, ...rotated, ...this.options.brokers];
    const addresses = [...new Set(named.filter((address) => address !== undefined))];
    const nowMs = this.environment.clock.monotonicMs();
    const isSuspect = (address: string): boolean =>
      nowMs - (this.#failedMs.get(address) ?? Number.NEGATIVE_INFINITY) < SUSPECT_MS;
    return [
      ...addresses.filter((address) => !isSuspect(address)),
      ...addresses.filter((address) => isSuspect(address)),
    ];
  }
}

type Round<T> =
  | { readonly ok: true; readonly response: T }
  | { readonly ok: false; readonly error: CodedError };

/** Of what the network library says at length, the operating system's word for it. */
function brief(message: string): string {
  return /\bE[A-Z]{4,}\b/.exec(message)?.[0] ?? message;
}

function unreachableError(failures: readonly string[]): CodedError {
  return new CodedError(
    "BROKER_NOT_AVAILABLE",
    `no broker answered: ${failures.join(", ")}. Is the cluster running, and are these its ` +
      "client addresses?",
  );
}
