import {
  type Logger,
  machineClock,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { type ClientOptions, Stratalog } from "../io/stratalog.ts";
import { channelSecurity, type ClientTls } from "./client-tls.ts";
import { grpcTransport } from "./grpc-connection.ts";

/** How to connect over the network. */
export interface ConnectOptions extends ClientOptions {
  /** Where the client says what it did about failures. Default: nowhere. */
  readonly logger?: Logger;
  /**
   * What a record's timestamp is when it is sent without one, in milliseconds since 1970. Default:
   * the machine's clock.
   */
  readonly now?: () => number;
  /** Encrypts; `true` trusts Node's authorities. Default: no encryption. */
  readonly tls?: boolean | ClientTls;
}

/**
 * A client of the cluster that has these brokers. Dials nothing yet: the first call does, and
 * rejects with BROKER_NOT_AVAILABLE naming the addresses when nobody answers. Throws
 * INVALID_CONFIG.
 */
export function connect(options: ConnectOptions): Stratalog {
  const { tls, now } = options;
  const security = tls === undefined || tls === false ? undefined : channelSecurity(tls);
  const transport = grpcTransport({ clock: machineClock, timers: machineTimers, security });
  return new Stratalog(
    {
      clock: now === undefined ? machineClock : { ...machineClock, wallMs: now },
      timers: machineTimers,
      random: machineRandom,
      transport,
      logger: options.logger ?? silentLogger,
    },
    options,
  );
}
