import type { GroupSessionResponse, Services } from "@stratalog/protocol";
import type { GroupService } from "../group-service.ts";
import { GroupCall } from "./group-call.ts";
import {
  type MethodEnvironment,
  type OpenStream,
  type ServiceMethods,
  stream,
  unary,
} from "./method.ts";

/** Serves stratalog.v1.GroupService. */
export function groupMethods(
  environment: MethodEnvironment,
  service: GroupService,
): ServiceMethods<Services["GroupService"]> {
  return {
    groupSession: stream(
      (open: OpenStream<GroupSessionResponse>) => new GroupCall(environment, open, service),
    ),
    findCoordinator: unary((request, context) => service.findCoordinator(request.groupId, context)),
    commitOffsets: unary(async (request) => {
      await service.commitOffsets(request);
      return {};
    }),
    fetchOffsets: unary((request) => service.fetchOffsets(request)),
    listGroups: unary((request) => service.listGroups(request)),
    describeGroup: unary((request) => service.describeGroup(request.groupId)),
    deleteGroup: unary(async (request) => {
      await service.deleteGroup(request.groupId);
      return {};
    }),
  };
}
