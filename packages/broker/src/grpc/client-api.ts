import type { BrokerId, Clock, Logger, Random, Timers } from "@stratalog/base";
import type { ReplicaLookup } from "../replicas/replica-lookup.ts";
import { AdminService, type TopicCreationDefaults } from "../services/admin-service.ts";
import { ByteBudget } from "../services/byte-budget.ts";
import { FetchService } from "../services/fetch-service.ts";
import { GroupService } from "../services/group-service.ts";
import { MetadataService } from "../services/metadata-service.ts";
import { OffsetsService } from "../services/offsets-service.ts";
import { PartitionFinder } from "../services/partition-finder.ts";
import type { ClusterMetadata, Controller, GroupCoordinator, Leaders } from "../services/ports.ts";
import { ProduceService } from "../services/produce-service.ts";
import { ProducerIds } from "../services/producer-ids.ts";
import type { ServiceMetrics } from "../services/service-metrics.ts";
import { adminHandlers } from "./admin-adapter.ts";
import type { CallEnvironment, CallMetrics } from "./call-environment.ts";
import { ClientListener } from "./client-listener.ts";
import type { ConnectionLimits } from "./connections.ts";
import { fetchHandlers } from "./fetch-adapter.ts";
import { groupHandlers } from "./group-adapter.ts";
import { metadataHandlers } from "./metadata-adapter.ts";
import { produceHandlers } from "./produce-adapter.ts";
import { OpenCalls } from "./open-calls.ts";
import { ReadGates } from "./read-gate.ts";

/** Everything that the client port needs of its broker. */
export interface ClientApiOptions {
  /**
   * Name of the listener, as registered with the controller: answers give addresses of the listener
   * of that name.
   */
  readonly listener: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: ServiceMetrics & CallMetrics;
  readonly replicas: ReplicaLookup;
  readonly metadata: ClusterMetadata;
  readonly leaders: Leaders;
  readonly controller: Controller;
  readonly coordinator: GroupCoordinator;
  readonly controllerVoters: readonly BrokerId[];
  readonly topicDefaults: TopicCreationDefaults;
  /** Bytes of batches in flight over all clients at which their streams are read no further. */
  readonly produceInflightBytes: number;
  readonly limits?: Partial<ConnectionLimits>;
}

/** The client port with all its services. */
export interface ClientApi {
  readonly listener: ClientListener;
  /** For the gauge of bytes in flight. */
  readonly produceBudget: ByteBudget;
}

/** Composes services and adapters behind one listener; `listener.start()` binds it. */
export function createClientApi(options: ClientApiOptions): ClientApi {
  const { brokerId, clock, timers, metadata, leaders, controller, metrics } = options;
  const finder = new PartitionFinder(options.replicas, metadata);
  const produceBudget = new ByteBudget(options.produceInflightBytes);
  const produce = new ProduceService({ finder, budget: produceBudget, clock, metrics });
  const fetch = new FetchService({ finder, metrics });
  const offsets = new OffsetsService(finder);
  const defaults = options.topicDefaults;
  const { random, coordinator, controllerVoters } = options;
  const admin = new AdminService({ metadata, leaders, controller, random, timers, defaults });
  const cluster = { brokerId, metadata, leaders, controllerVoters };
  const producerIds = new ProducerIds(brokerId, controller);
  const environment: CallEnvironment = {
    listener: options.listener,
    clock,
    timers,
    logger: options.logger,
    metadata,
    metrics,
    gates: new ReadGates(),
    calls: new OpenCalls(),
  };
  const services = {
    ProduceService: produceHandlers(environment, produce),
    FetchService: fetchHandlers(environment, { fetch, offsets, finder, metrics }),
    MetadataService: metadataHandlers(
      environment,
      new MetadataService({ brokerId, metadata, leaders }),
    ),
    AdminService: adminHandlers(environment, { admin, cluster, producerIds }),
    GroupService: groupHandlers(environment, new GroupService({ brokerId, metadata, coordinator })),
  };
  const { host, port, logger, limits } = options;
  const { gates, calls } = environment;
  const listener = new ClientListener({
    host,
    port,
    services,
    gates,
    calls,
    timers,
    logger,
    ...(limits === undefined ? {} : { limits }),
  });
  return { listener, produceBudget };
}
