import type { BrokerId } from "@stratalog/base";
import type { BrokerConfig } from "./config/broker-config.ts";
import type { Environment } from "./environment.ts";
import { RunningBroker } from "./lifecycle/running-broker.ts";

/** A broker that runs. */
export interface Broker {
  readonly brokerId: BrokerId;
  /** Where it listens. */
  readonly ports: {
    readonly client: number;
    /** Absent without an external listener. */
    readonly external?: number;
    readonly peer: number;
    readonly http: number;
  };
  /**
   * Resolves once it is part of a formed cluster and serves clients; may wait for other brokers
   * without end.
   */
  readonly ready: Promise<void>;
  /** Hands leaderships over, closes its doors and seals its logs. Harmless when called again. */
  stop(): Promise<void>;
}

/**
 * Starts a broker: locks its directory, recovers its logs and opens its ports; then, in the
 * background until `ready`, forms or finds its cluster, registers and opens its replicas. Rejects
 * with DIRECTORY_IN_USE, DIRECTORY_UNUSABLE, STORAGE_DAMAGED, ADDRESS_IN_USE, or INVALID_CONFIG
 * when the disk is too small for its reserve, having released everything. What goes wrong for good
 * after that goes to the environment's `onFatal`.
 */
export async function startBroker(environment: Environment, config: BrokerConfig): Promise<Broker> {
  const broker = new RunningBroker(environment, config);
  try {
    await broker.open();
  } catch (error) {
    await broker.release();
    throw error;
  }
  broker.join();
  return broker;
}
