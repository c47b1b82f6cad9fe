import type { BrokerId } from "@stratalog/base";
import type { BrokerConfig } from "../config/broker-config.ts";
import type { Environment } from "../environment.ts";
import type { LeaderTable } from "../replicas/leader-table.ts";
import type { BrokerMetrics } from "../telemetry/broker-metrics.ts";
import type { OpenController } from "./controller-group.ts";
import type { Storage } from "./open-storage.ts";
import type { Peers } from "./peers.ts";
import type { StopStep } from "./stop-order.ts";
import type { StopSequence } from "./stop-sequence.ts";

/** What is there once a broker's storage is open and its peers can be reached. */
export interface OpenParts {
  readonly brokerId: BrokerId;
  readonly environment: Environment;
  readonly config: BrokerConfig;
  readonly storage: Storage;
  readonly peers: Peers;
  readonly leaders: LeaderTable;
  readonly metrics: BrokerMetrics;
  readonly stops: StopSequence<StopStep>;
}

/** What is there once it has become part of its cluster. */
export interface JoinedParts extends OpenParts {
  readonly controller: OpenController;
}
