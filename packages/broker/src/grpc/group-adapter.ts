import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { type GroupSessionResponse, serviceHandlers } from "@stratalog/protocol";
import type { GroupService } from "../services/group-service.ts";
import { bidi, type OpenStream } from "./bidi.ts";
import type { CallEnvironment } from "./call-environment.ts";
import { GroupCall } from "./group-call.ts";
import { unary } from "./unary.ts";

/** Serves stratalog.v1.GroupService. */
export function groupHandlers(
  environment: CallEnvironment,
  service: GroupService,
): UntypedServiceImplementation {
  return serviceHandlers("GroupService", {
    groupSession: bidi(
      environment,
      (stream: OpenStream<GroupSessionResponse>) => new GroupCall(environment, stream, service),
    ),
    findCoordinator: unary(environment, (request, context) =>
      service.findCoordinator(request.groupId, context),
    ),
    commitOffsets: unary(environment, async (request) => {
      await service.commitOffsets(request);
      return {};
    }),
    fetchOffsets: unary(environment, (request) => service.fetchOffsets(request)),
    listGroups: unary(environment, (request) => service.listGroups(request)),
    describeGroup: unary(environment, (request) => service.describeGroup(request.groupId)),
    deleteGroup: unary(environment, async (request) => {
      await service.deleteGroup(request.groupId);
      return {};
    }),
  });
}
