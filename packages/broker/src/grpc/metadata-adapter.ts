import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import { serviceHandlers } from "@stratalog/protocol";
import type { MetadataService } from "../services/metadata-service.ts";
import type { CallEnvironment } from "./call-environment.ts";
import { unary } from "./unary.ts";

/** Serves stratalog.v1.MetadataService. */
export function metadataHandlers(
  environment: CallEnvironment,
  service: MetadataService,
): UntypedServiceImplementation {
  return serviceHandlers("MetadataService", {
    getMetadata: unary(environment, (request, context) =>
      service.getMetadata(request, context.listener),
    ),
  });
}
