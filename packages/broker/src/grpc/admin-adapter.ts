import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { serviceHandlers } from "@stratalog/protocol";
import type { AdminService } from "../services/admin-service.ts";
import { type ClusterViewSources, describeCluster } from "../services/cluster-view.ts";
import type { ProducerIds } from "../services/producer-ids.ts";
import type { CallEnvironment } from "./call-environment.ts";
import { unary } from "./unary.ts";

/** Serves stratalog.v1.AdminService. */
export function adminHandlers(
  environment: CallEnvironment,
  services: {
    readonly admin: AdminService;
    readonly cluster: ClusterViewSources;
    readonly producerIds: ProducerIds;
  },
): UntypedServiceImplementation {
  const { admin, cluster, producerIds } = services;
  return serviceHandlers("AdminService", {
    createTopic: unary(environment, async (request, context) => ({
      topic: await admin.createTopic(request, context),
    })),
    deleteTopic: unary(environment, async (request, context) => {
      await admin.deleteTopic(request, context);
      return {};
    }),
    describeTopic: unary(environment, (request) => ({ topic: admin.describeTopic(request.name) })),
    listTopics: unary(environment, (request) => admin.listTopics(request)),
    addPartitions: unary(environment, (request, context) => admin.addPartitions(request, context)),
    alterTopicConfig: unary(environment, async (request, context) => ({
      topic: await admin.alterTopicConfig(request, context),
    })),
    describeCluster: unary(environment, (_request, context) =>
      describeCluster(cluster, context.listener),
    ),
    initProducerId: unary(environment, async (_request, { timeoutMs }) => ({
      producerId: await producerIds.next({ timeoutMs }),
      producerEpoch: 0,
    })),
  });
}
