import {
  brokerId,
  type Clock,
  type KeyValueStore,
  type Logger,
  machineRandom,
  machineTime,
  type Random,
  type Time,
  type Timers,
} from "@stratalog/base";
import { type FileSystem, NodeFileSystem } from "@stratalog/log-store";
import { type PeerLink, type TcpLimits, TcpPeerLink } from "@stratalog/raft-host";
import type { BrokerConfig, TlsConfig } from "./config/broker-config.ts";
import { type ClientApi, type ClientApiOptions, createClientApi } from "./grpc/client-api.ts";
import { HttpListener, type HttpListenerOptions } from "./http/http-listener.ts";
import { LevelKeyValueStore } from "./node/level-key-value-store.ts";
import { createPinoLogger } from "./node/pino-logger.ts";
import { TlsFiles } from "./node/tls-files.ts";
import type { BrokerMetrics } from "./telemetry/broker-metrics.ts";
import { addProcessMetrics } from "./telemetry/process-metrics.ts";

/**
 * Everything of the world that a broker touches. In production the machine; in simulation a virtual
 * clock, network and disk.
 * A broker reads no clock and opens no file but through this.
 */
export interface Environment {
  /**
   * What a broker's state goes by: timestamps, segments and their retention, members of groups,
   * what expires. May be moved by a test.
   */
  readonly clock: Clock;
  readonly timers: Timers;
  /**
   * What other machines, sockets and disks are waited for by: elections, brokers' heartbeats and
   * calls, requests of clients. The same time in production; where a test moves the other, this
   * one goes on as the machine's.
   */
  readonly steadyTime: Time;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /**
   * Opens or makes a store in a directory, locked against others. Rejects with DIRECTORY_IN_USE,
   * DIRECTORY_UNUSABLE or STORAGE_DAMAGED.
   */
  openKeyValueStore(directory: string): Promise<KeyValueStore>;
  /**
   * Connections to the other brokers, listening at an address. Throws INVALID_CONFIG when the TLS
   * files are not usable.
   */
  openPeerLink(listen: PeerListen): PeerLink;
  /**
   * The port for clients: gRPC in production, the services' methods called directly in
   * simulation. Not listening yet. Throws INVALID_CONFIG when the TLS files are not usable.
   */
  openClientPort(options: ClientPortOptions): ClientApi;
  /** The port for operators and their tools. Not listening yet. */
  openHttpPort(options: HttpPortOptions): HttpPort;
  /** Adds figures of the process to the metrics. Returns how to stop. */
  measureProcess(metrics: BrokerMetrics): () => void;
  /**
   * Going on would be wrong (a failed sync, a broken invariant): ends the process. What was
   * acknowledged is safe; what
   * was not acknowledged never counted.
   */
  onFatal(reason: string, error: unknown): void;
}

/** Where a broker listens for the others, how that is encrypted and bounded. */
export interface PeerListen {
  readonly host: string;
  readonly port: number;
  readonly tls: TlsConfig | undefined;
  readonly limits?: Partial<TcpLimits>;
}

/** What the port for operators is made of, and how it is encrypted. */
export interface HttpPortOptions extends Omit<HttpListenerOptions, "tls"> {
  readonly tls: TlsConfig | undefined;
}

/** What a port for clients is made of, and how it is encrypted. */
export interface ClientPortOptions extends Omit<ClientApiOptions, "tls"> {
  readonly tls: TlsConfig | undefined;
}

/** Where operators look. */
export interface HttpPort {
  /** Binds; resolves with the port. Rejects with ADDRESS_IN_USE or INVALID_CONFIG. */
  start(): Promise<number>;
  stop(): Promise<void>;
}

/** The machine: its clock, disk and network, and structured lines on standard output. */
export function nodeEnvironment(
  config: BrokerConfig,
  options: {
    /** Default: says why on the log and ends the process with code 70 at once. */
    readonly onFatal?: (reason: string, error: unknown) => void;
    readonly logger?: Logger;
  } = {},
): Environment {
  const logger =
    options.logger ??
    createPinoLogger({ level: config.logLevel, brokerId: brokerId(config.nodeId) });
  const random = machineRandom;
  const openTls = (tls: TlsConfig | undefined): TlsFiles | undefined =>
    tls === undefined
      ? undefined
      : new TlsFiles({
          config: tls,
          timers: machineTime.timers,
          logger: logger.child({ part: "tls" }),
        });
  const endProcess = (reason: string, error: unknown): void => {
    logger.error({ error, reason }, "the broker cannot go on and ends its process");
    process.exit(EXIT_FATAL);
  };
  return {
    ...machineTime,
    steadyTime: machineTime,
    random,
    fileSystem: new NodeFileSystem(),
    logger,
    openKeyValueStore: async (directory) => {
      const store = await LevelKeyValueStore.open(directory);
      for (const where of store.suspicions) {
        const message = "LevelDB's log does not hold to its end, as after a power cut; it is cut";
        logger.warn({ where }, message);
      }
      return store;
    },
    openPeerLink: ({ host, port, tls, limits }) =>
      new TcpPeerLink({
        listen: { host, port },
        timers: machineTime.timers,
        random,
        logger: logger.child({ part: "peers" }),
        tls: openTls(tls),
        ...(limits === undefined ? {} : { limits }),
      }),
    openClientPort: ({ tls, ...parts }) => createClientApi({ ...parts, tls: openTls(tls) }),
    openHttpPort: ({ tls, ...parts }) => new HttpListener({ ...parts, tls: openTls(tls) }),
    measureProcess: (metrics) => addProcessMetrics(metrics),
    onFatal: options.onFatal ?? endProcess,
  };
}

/** Exit code of a process that ended itself because going on would be wrong (EX_SOFTWARE). */
export const EXIT_FATAL = 70;
