import type { Logger } from "@stratalog/base";
import type { ByteBudget } from "../services/byte-budget.ts";
import type { ClientPort } from "../services/client-port.ts";
import { type ClientServicesOptions, createClientServices } from "../services/client-services.ts";
import type { CallEnvironment, CallMetrics } from "./call-environment.ts";
import { ClientListener } from "./client-listener.ts";
import type { ConnectionLimits } from "./connections.ts";
import type { ListenerTls } from "./socket-acceptor.ts";
import { bindMethods } from "./method-binding.ts";
import { OpenCalls } from "./open-calls.ts";
import { ReadGates } from "./read-gate.ts";

/** Everything that the client port needs of its broker. */
export interface ClientApiOptions extends ClientServicesOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly logger: Logger;
  readonly metrics: ClientServicesOptions["metrics"] & CallMetrics;
  readonly limits?: Partial<ConnectionLimits>;
  /** Default: no encryption. */
  readonly tls?: ListenerTls | undefined;
}

/** The client port with all its services. */
export interface ClientApi {
  readonly listener: ClientPort;
  /** For the gauge of bytes in flight. */
  readonly produceBudget: ByteBudget;
}

/** Puts all services behind one gRPC listener; `listener.start()` binds it. */
export function createClientApi(options: ClientApiOptions): ClientApi {
  const { methods, produceBudget } = createClientServices(options);
  const { clock, timers, logger, metadata, metrics, host, port, limits, tls } = options;
  const gates = new ReadGates();
  const calls = new OpenCalls();
  const { listener: name } = options;
  const environment: CallEnvironment = {
    listener: name,
    clock,
    timers,
    metadata,
    logger,
    metrics,
    gates,
    calls,
  };
  const listener = new ClientListener({
    host,
    port,
    tls,
    services: bindMethods(environment, methods),
    gates,
    calls,
    timers,
    logger,
    ...(limits === undefined ? {} : { limits }),
  });
  metrics.watchConnections({
    open: () => listener.connectionCount,
    refused: () => listener.refusedConnectionCount,
  });
  return { listener, produceBudget };
}
