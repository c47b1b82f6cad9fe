import type { Socket } from "node:net";
import {
  type ConnectionInjector,
  Server,
  ServerCredentials,
  type ServerOptions,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import type { Logger, Random, Timer, Timers } from "@stratalog/base";
import {
  PROTOBUF_PACKAGE,
  reflectionDefinition,
  type ServiceName,
  serverDefinition,
} from "@stratalog/protocol";
import { HealthImplementation } from "grpc-health-check";
import { bindListener } from "../http/bind-listener.ts";
import type { ClientPort } from "../services/client-port.ts";
import { type ConnectionLimits, Connections } from "./connections.ts";
import { HTTP2_SETTINGS, onSession, raiseWindows } from "./http2-window.ts";
import type { ServiceImplementations } from "./method-binding.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { GuardedCalls } from "./guarded-calls.ts";
import { type ListenerTls, SocketAcceptor } from "./socket-acceptor.ts";
import { CALL_TIMEOUT_MS_MAX } from "./unary.ts";

/** Where and how to listen. */
export interface ClientListenerOptions {
  /** Host name or address to bind. */
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Default: no encryption. */
  readonly tls?: ListenerTls | undefined;
  readonly services: ServiceImplementations;
  readonly guards: GuardedCalls;
  readonly calls: OpenCalls;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Over {@link LISTENER_LIMITS}. */
  readonly limits?: Partial<ListenerLimits>;
}

/** Bounds of a listener; all but the memory of calls, which listeners share. */
export interface ListenerLimits extends ConnectionLimits {
  /** Calls at once on one connection. */
  readonly streamsPerConnection: number;
  /** Largest message of a client. */
  readonly messageBytes: number;
  /** Headers of one call, as HTTP/2 counts them. */
  readonly headerBytes: number;
  /** Time without a call after which a connection is closed. */
  readonly idleMs: number;
  /**
   * How often the other side is asked whether it is there, and its time to answer. It is also how a
   * connection ends that broke HTTP/2's rules and does not close: Node only says goodbye to it.
   */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
}

/** What holds where nothing is said. */
export const LISTENER_LIMITS: ListenerLimits = {
  connections: 1_000,
  connectionsPerAddress: 256,
  handshakeMs: 5_000,
  ageMs: 86_400_000,
  ageGraceMs: CALL_TIMEOUT_MS_MAX,
  streamsPerConnection: 128,
  messageBytes: 16 * 1024 * 1024 + 64 * 1024,
  headerBytes: 16 * 1024,
  idleMs: 600_000,
  keepaliveMs: 20_000,
  keepaliveTimeoutMs: 5_000,
};

/** How often calls are looked at whose clients take nothing. */
const SWEEP_MS = 1_000;
/** Sweeps from one line about those who were turned away to the next. */
const SWEEPS_PER_LINE = 10;

/** Settings of the server; each line answers a default that does not fit. */
function serverOptions(limits: ListenerLimits): ServerOptions {
  return {
    "grpc.max_receive_message_length": limits.messageBytes,
    "grpc.max_send_message_length": -1,
    "grpc.max_concurrent_streams": limits.streamsPerConnection,
    "grpc.enable_channelz": 0,
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_connection_idle_ms": limits.idleMs,
  };
}

/**
 * The port for clients: gRPC with our services, health and reflection. Sockets are accepted here
 * and handed to the library, so that they can be counted and errors of binding are plain.
 */
export class ClientListener implements ClientPort {
  readonly #options: ClientListenerOptions;
  readonly #server: Server;
  readonly #health: HealthImplementation;
  readonly #connections: Connections;
  readonly #sockets = new Set<Socket>();
  readonly #limits: ListenerLimits;
  #sweepTimer: Timer | undefined;
  #sweepsToLine = 0;
  #told = { refused: 0, stalled: 0 };
  #injector: ConnectionInjector | undefined;
  #acceptor: SocketAcceptor | undefined;

  constructor(options: ClientListenerOptions) {
    this.#options = options;
    this.#limits = { ...LISTENER_LIMITS, ...options.limits };
    const interceptors = [options.guards.interceptor];
    this.#server = new Server({ ...serverOptions(this.#limits), interceptors });
    for (const [name, implementation] of Object.entries(options.services)) {
      // The record's keys are service names by its type.
      this.#server.addService(serverDefinition(name as ServiceName), implementation);
    }
    this.#health = new HealthImplementation();
    this.#health.addToServer(this.#server);
    new ReflectionService(reflectionDefinition()).addToServer(this.#server);
    this.#connections = new Connections({
      limits: this.#limits,
      timers: options.timers,
      random: options.random,
      onOld: (session) => options.calls.drainConnection(session),
      windowBytes: HTTP2_SETTINGS.connectionWindowBytes,
    });
    this.setServing(false);
  }

  get connectionCount(): number {
    return this.#connections.count;
  }

  get refusedConnectionCount(): number {
    return this.#connections.refusedCount;
  }

  /** Calls ended because their clients took nothing. */
  get stalledCallCount(): number {
    return this.#options.guards.memory.stalledCount;
  }

  /** What health checks are told, for the whole server and for each service. */
  setServing(isServing: boolean): void {
    const status = isServing ? "SERVING" : "NOT_SERVING";
    this.#health.setStatus("", status);
    for (const name of Object.keys(this.#options.services)) {
      this.#health.setStatus(`${PROTOBUF_PACKAGE}.${name}`, status);
    }
  }

  /**
   * Binds; resolves with the port. Rejects with ADDRESS_IN_USE, or INVALID_CONFIG for a host that
   * cannot be bound.
   */
  async start(): Promise<number> {
    const headerListBytes = this.#limits.headerBytes;
    const hasWindows = raiseWindows(this.#server, { ...HTTP2_SETTINGS, headerListBytes });
    // The acceptor encrypts: its certificates can be changed while it listens.
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
    const seesSessions = onSession(this.#server, (session) => this.#connections.add(session));
    if (!hasWindows || !seesSessions) {
      this.#options.logger.warn({}, "HTTP/2 windows stay at 64 KiB: this grpc-js hides them");
    }
    const { tls, logger } = this.#options;
    const acceptor = new SocketAcceptor({
      tls,
      logger,
      handshakeTimeoutMs: this.#limits.handshakeMs,
      admit: (socket) => this.#connections.admit(socket),
      accept: (socket) => this.#accept(socket),
    });
    this.#acceptor = acceptor;
    this.#scheduleSweep();
    return await bindListener(acceptor.server, this.#options);
  }

  /**
   * Takes no more connections, lets calls end for `graceMs`, then cuts what is left. Resolves when
   * all is closed.
   */
  async stop(graceMs: number): Promise<void> {
    this.setServing(false);
    const acceptor = this.#acceptor;
    if (acceptor === undefined) return;
    this.#acceptor = undefined;
    this.#sweepTimer?.cancel();
    const closed = acceptor.close();
    this.#options.calls.drain();
    const timer = this.#options.timers.after(graceMs, () => this.#cut());
    await new Promise<void>((resolve) => {
      this.#server.tryShutdown(() => resolve());
    });
    timer.cancel();
    this.#cut();
    await closed;
  }

  #accept(socket: Socket): void {
    if (socket.destroyed) return;
    this.#sockets.add(socket);
    // The library reports a broken connection by its calls; the socket's own error must have a
    // listener all the same.
    socket.on("error", (error) => {
      this.#options.logger.debug({ err: error }, "a client's connection broke");
    });
    socket.once("close", () => this.#sockets.delete(socket));
    this.#injector?.injectConnection(socket);
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#options.timers.after(SWEEP_MS, () => {
      this.#options.guards.memory.endStalled();
      this.#maybeTellRefused();
      this.#scheduleSweep();
    });
  }

  /** One line for all that were turned away since the last one, not one for each. */
  #maybeTellRefused(): void {
    if (this.#sweepsToLine-- > 0) return;
    const told = this.#told;
    const now = { refused: this.refusedConnectionCount, stalled: this.stalledCallCount };
    if (now.refused === told.refused && now.stalled === told.stalled) return;
    this.#sweepsToLine = SWEEPS_PER_LINE;
    this.#told = now;
    this.#options.logger.warn(
      {
        connections: now.refused - told.refused,
        slowCalls: now.stalled - told.stalled,
        open: this.connectionCount,
      },
      "clients were turned away: too many connections, no HTTP/2 in time, or too slow",
    );
  }

  #cut(): void {
    this.#server.forceShutdown();
    for (const socket of this.#sockets) socket.destroy();
  }
}
