import type { Logger, Time } from "@stratalog/base";
import type { ByteBudget } from "../services/byte-budget.ts";
import type { ClientPort } from "../services/client-port.ts";
import { type ClientServicesOptions, createClientServices } from "../services/client-services.ts";
import type { CallEnvironment, CallMetrics } from "./call-environment.ts";
import { ClientListener, type ListenerLimits } from "./client-listener.ts";
import { GuardedCalls } from "./guarded-calls.ts";
import { CALL_MEMORY_LIMITS, CallMemory } from "./call-memory.ts";
import type { ListenerTls } from "./socket-acceptor.ts";
import { bindMethods } from "./method-binding.ts";
import { OpenCalls } from "./open-calls.ts";

const TIMEOUT_MS_DEFAULT = 30_000;

/** Everything that the client port needs of its broker. */
export interface ClientApiOptions extends ClientServicesOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** What connections and calls are timed by. Default: `clock` and `timers`. */
  readonly steadyTime?: Time;
  readonly logger: Logger;
  readonly metrics: ClientServicesOptions["metrics"] & CallMetrics;
  readonly limits?: Partial<ListenerLimits>;
  /** What calls may hold; of another listener, when both share one bound. Default: one of its own. */
  readonly callMemory?: CallMemory;
  /** Time for a unary call whose client names no deadline. Default 30,000. */
  readonly requestTimeoutMs?: number;
  /** Default: no encryption. */
  readonly tls?: ListenerTls | undefined;
}

/** The client port with all its services. */
export interface ClientApi {
  readonly listener: ClientPort;
  /** For the gauge of bytes in flight, and to be shared with another listener. */
  readonly produceBudget: ByteBudget;
  /** To be shared with another listener. */
  readonly callMemory?: CallMemory;
}

/** Puts all services behind one gRPC listener; `listener.start()` binds it. */
export function createClientApi(options: ClientApiOptions): ClientApi {
  const { methods, produceBudget } = createClientServices(options);
  const { clock, timers } = options.steadyTime ?? options;
  const { logger, metadata, metrics, host, port, limits, tls } = options;
  const memory = options.callMemory ?? new CallMemory(CALL_MEMORY_LIMITS);
  // Of a shared one, its first listener says it.
  if (options.callMemory === undefined || options.produceBudget === undefined) {
    metrics.watchCallMemory({
      bytes: () => memory.total.usedBytes,
      stalled: () => memory.stalledCount,
    });
  }
  const guards = new GuardedCalls({ clock, memory });
  const calls = new OpenCalls();
  const { listener: name } = options;
  const environment: CallEnvironment = {
    listener: name,
    clock,
    timers,
    metadata,
    logger,
    metrics,
    guards,
    calls,
    timeoutMs: options.requestTimeoutMs ?? TIMEOUT_MS_DEFAULT,
  };
  const listener = new ClientListener({
    host,
    port,
    tls,
    services: bindMethods(environment, methods),
    guards,
    calls,
    timers,
    random: options.random,
    logger,
    ...(limits === undefined ? {} : { limits }),
  });
  metrics.watchConnections({
    open: () => listener.connectionCount,
    refused: () => listener.refusedConnectionCount,
  });
  return { listener, produceBudget, callMemory: memory };
}
