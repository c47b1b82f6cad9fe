import {
  brokerId,
  type Clock,
  type KeyValueStore,
  type Logger,
  machineClock,
  machineRandom,
  machineTimers,
  type Random,
  type Timers,
} from "@stratalog/base";
import { type FileSystem, NodeFileSystem } from "@stratalog/log-store";
import { type PeerLink, TcpPeerLink } from "@stratalog/raft-host";
import type { BrokerConfig } from "./config/broker-config.ts";
import { LevelKeyValueStore } from "./node/level-key-value-store.ts";
import { createPinoLogger } from "./node/pino-logger.ts";

/**
 * Everything of the world that a broker touches. In production the machine; in simulation a virtual clock, network and disk.
 * A broker reads no clock and opens no file but through this.
 */
export interface Environment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly fileSystem: FileSystem;
  readonly logger: Logger;
  /** Opens or makes a store in a directory, locked against others. Rejects with DIRECTORY_IN_USE or DIRECTORY_UNUSABLE. */
  openKeyValueStore(directory: string): Promise<KeyValueStore>;
  /** Connections to the other brokers, listening at an address. */
  openPeerLink(listen: { readonly host: string; readonly port: number }): PeerLink;
  /**
   * Going on would be wrong (a failed sync, a broken invariant): ends the process. What was acknowledged is safe; what
   * was not acknowledged never counted.
   */
  onFatal(reason: string, error: unknown): void;
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
  const timers = machineTimers;
  const random = machineRandom;
  const endProcess = (reason: string, error: unknown): void => {
    logger.error({ error, reason }, "the broker cannot go on and ends its process");
    process.exit(EXIT_FATAL);
  };
  return {
    clock: machineClock,
    timers,
    random,
    fileSystem: new NodeFileSystem(),
    logger,
    openKeyValueStore: (directory) => LevelKeyValueStore.open(directory),
    openPeerLink: (listen) =>
      new TcpPeerLink({ listen, timers, random, logger: logger.child({ part: "peers" }) }),
    onFatal: options.onFatal ?? endProcess,
  };
}

/** Exit code of a process that ended itself because going on would be wrong (EX_SOFTWARE). */
export const EXIT_FATAL = 70;
