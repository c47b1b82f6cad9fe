import type { Services } from "@stratalog/protocol";
import type { AdminService } from "../admin-service.ts";
import { type ClusterViewSources, describeCluster } from "../cluster-view.ts";
import type { ProducerIds } from "../producer-ids.ts";
import { describeReplication, type ReplicationSources } from "../replication-view.ts";
import { type ServiceMethods, unary } from "./method.ts";

/** Serves stratalog.v1.AdminService. */
export function adminMethods(services: {
  readonly admin: AdminService;
  readonly cluster: ClusterViewSources;
  readonly replication: ReplicationSources;
  readonly producerIds: ProducerIds;
}): ServiceMethods<Services["AdminService"]> {
  const { admin, cluster, replication, producerIds } = services;
  return {
    createTopic: unary(async (request, context) => ({
      topic: await admin.createTopic(request, context),
    })),
    deleteTopic: unary(async (request, context) => {
      await admin.deleteTopic(request, context);
      return {};
    }),
    describeTopic: unary((request) => ({ topic: admin.describeTopic(request.name) })),
    listTopics: unary((request) => admin.listTopics(request)),
    addPartitions: unary((request, context) => admin.addPartitions(request, context)),
    alterTopicConfig: unary(async (request, context) => ({
      topic: await admin.alterTopicConfig(request, context),
    })),
    describeCluster: unary((_request, context) => describeCluster(cluster, context.listener)),
    describeReplication: unary(() => describeReplication(replication)),
    initProducerId: unary(async (_request, { timeoutMs }) => ({
      producerId: await producerIds.next({ timeoutMs }),
      producerEpoch: 0,
    })),
  };
}
