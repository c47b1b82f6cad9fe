import type { Services } from "@stratalog/protocol";
import type { MetadataService } from "../metadata-service.ts";
import { type ServiceMethods, unary } from "./method.ts";

/** Serves stratalog.v1.MetadataService. */
export function metadataMethods(
  service: MetadataService,
): ServiceMethods<Services["MetadataService"]> {
  return {
    getMetadata: unary((request, context) => service.getMetadata(request, context.listener)),
  };
}
