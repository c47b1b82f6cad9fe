import type { ChannelCredentials } from "@grpc/grpc-js";
import {
  type Logger,
  machineClock,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { type ClientOptions, Stratalog } from "../io/stratalog.ts";
import { grpcTransport } from "./grpc-connection.ts";

/** How to connect over the network. */
export interface ConnectOptions extends ClientOptions {
  /** Where the client says what it did about failures. Default: nowhere. */
  readonly logger?: Logger;
  /** gRPC channel credentials, for TLS. Default: no encryption. */
  readonly credentials?: ChannelCredentials;
}

/**
 * A client of the cluster that has these brokers. Dials nothing yet: the first call does, and
 * rejects with BROKER_NOT_AVAILABLE naming the addresses when nobody answers.
 */
export function connect(options: ConnectOptions): Stratalog {
  const transport = grpcTransport({ clock: machineClock, credentials: options.credentials });
  return new Stratalog(
    {
      clock: machineClock,
      timers: machineTimers,
      random: machineRandom,
      transport,
      logger: options.logger ?? silentLogger,
    },
    options,
  );
}
