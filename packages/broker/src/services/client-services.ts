import type { BrokerId, Clock, Random, Timers } from "@stratalog/base";
import type { Services } from "@stratalog/protocol";
import type { ReplicaLookup } from "../replicas/replica-lookup.ts";
import { AdminService, type TopicCreationDefaults } from "./admin-service.ts";
import { ByteBudget } from "./byte-budget.ts";
import { FetchService } from "./fetch-service.ts";
import { GroupService } from "./group-service.ts";
import { MetadataService } from "./metadata-service.ts";
import { OffsetsService } from "./offsets-service.ts";
import { PartitionFinder } from "./partition-finder.ts";
import type { ClusterMetadata, Controller, GroupCoordinator, Leaders } from "./ports.ts";
import { ProduceService } from "./produce-service.ts";
import { ProducerIds } from "./producer-ids.ts";
import { adminMethods } from "./rpc/admin-methods.ts";
import { fetchMethods } from "./rpc/fetch-methods.ts";
import { groupMethods } from "./rpc/group-methods.ts";
import { metadataMethods } from "./rpc/metadata-methods.ts";
import type { ServiceMethods } from "./rpc/method.ts";
import { produceMethods } from "./rpc/produce-methods.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

/** What the services need of their broker. */
export interface ClientServicesOptions {
  /**
   * Name of the listener, as registered with the controller: answers give addresses of the listener
   * of that name.
   */
  readonly listener: string;
  readonly brokerId: BrokerId;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly metrics: ServiceMetrics;
  readonly replicas: ReplicaLookup;
  readonly metadata: ClusterMetadata;
  readonly leaders: Leaders;
  readonly controller: Controller;
  readonly coordinator: GroupCoordinator;
  readonly controllerVoters: readonly BrokerId[];
  readonly topicDefaults: TopicCreationDefaults;
  /** Topics that one metadata request may name. Default 1,000. */
  readonly metadataTopics?: number;
  /** Bytes of batches in flight over all clients at which their streams are read no further. */
  readonly produceInflightBytes: number;
  /** The same of another listener, when both share one bound. Default: one of its own. */
  readonly produceBudget?: ByteBudget;
}

/** The methods of every service, by name. */
export type ClientMethods = { readonly [Name in keyof Services]: ServiceMethods<Services[Name]> };

/** All that a broker serves to clients, without a transport. */
export interface ClientServices {
  readonly methods: ClientMethods;
  /** For the gauge of bytes in flight. */
  readonly produceBudget: ByteBudget;
}

/** Composes the services of one listener. */
export function createClientServices(options: ClientServicesOptions): ClientServices {
  const { brokerId, clock, timers, random, metadata, leaders, controller, metrics } = options;
  const { coordinator, controllerVoters, topicDefaults: defaults } = options;
  const finder = new PartitionFinder(options.replicas, metadata);
  const produceBudget = options.produceBudget ?? new ByteBudget(options.produceInflightBytes);
  if (options.produceBudget === undefined) {
    metrics.watchInflightBytes(() => produceBudget.usedBytes);
  }
  const environment = { listener: options.listener, clock, timers, metadata };
  const methods = {
    ProduceService: produceMethods(
      environment,
      new ProduceService({ finder, budget: produceBudget, clock, metrics }),
    ),
    FetchService: fetchMethods(environment, {
      fetch: new FetchService({ finder, metrics }),
      offsets: new OffsetsService(finder),
      finder,
      metrics,
    }),
    MetadataService: metadataMethods(
      new MetadataService({ brokerId, metadata, leaders, topicsMax: options.metadataTopics }),
    ),
    AdminService: adminMethods({
      admin: new AdminService({ metadata, leaders, controller, random, timers, defaults }),
      cluster: { brokerId, metadata, leaders, controllerVoters },
      replication: { brokerId, metadata, replicas: options.replicas },
      producerIds: new ProducerIds(brokerId, controller),
    }),
    GroupService: groupMethods(environment, new GroupService({ brokerId, metadata, coordinator })),
  };
  return { methods, produceBudget };
}
