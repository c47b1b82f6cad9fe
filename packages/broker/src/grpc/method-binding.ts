import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import type { ServiceName } from "@stratalog/protocol";
import type { ClientMethods } from "../services/client-services.ts";
import type { Answer, Serve } from "../services/rpc/method.ts";
import { bidi } from "./bidi.ts";
import type { CallEnvironment } from "./call-environment.ts";
import { unary } from "./unary.ts";

/** What is served, by service. */
export type ServiceImplementations = Readonly<Record<ServiceName, UntypedServiceImplementation>>;

/**
 * A method of whatever messages: the library hands each its own, by the definition that it was made
 * from.
 */
type AnyMethod =
  | { readonly kind: "unary"; readonly answer: Answer<unknown, unknown> }
  | { readonly kind: "stream"; readonly serve: Serve<unknown, unknown> };

/** The library's handlers of all our methods. */
export function bindMethods(
  environment: CallEnvironment,
  services: ClientMethods,
): ServiceImplementations {
  const bound = Object.entries(services).map(([service, methods]) => {
    // Their types say which messages each takes; here they are a table.
    const entries = Object.entries(methods as unknown as Record<string, AnyMethod>);
    const handlers = entries.map(([name, method]) => [
      name,
      method.kind === "unary" ? unary(environment, method.answer) : bidi(environment, method.serve),
    ]);
    return [service, Object.fromEntries(handlers)];
  });
  // The keys are those of `services`.
  return Object.fromEntries(bound) as ServiceImplementations;
}
