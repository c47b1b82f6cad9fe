import { brokerId, type ClusterId, type DirectoryId } from "@stratalog/base";
import type { Broker } from "../broker.ts";
import type { BrokerConfig, ListenerConfig } from "../config/broker-config.ts";
import type { RegistrationFields } from "../controller/broker-registration.ts";
import { CLIENT_LISTENER, EXTERNAL_LISTENER } from "./client-port.ts";

/** What a broker says of itself to the controller once its ports are known. */
export function registrationOf(facts: {
  readonly config: BrokerConfig;
  readonly ports: Broker["ports"];
  readonly clusterId: ClusterId;
  readonly directoryId: string;
  readonly incarnation: string;
}): RegistrationFields {
  const { config, ports, clusterId, directoryId, incarnation } = facts;
  const { client, external } = config.listeners;
  return {
    clusterId,
    brokerId: brokerId(config.nodeId),
    // It comes from the directory's own meta file, where it was drawn.
    directoryId: directoryId as DirectoryId,
    incarnation,
    ...(config.rack === undefined ? {} : { rack: config.rack }),
    clientListeners: [
      { name: CLIENT_LISTENER, ...advertised(client, ports.client) },
      ...(external === undefined
        ? []
        : [{ name: EXTERNAL_LISTENER, ...advertised(external, ports.external ?? external.port) }]),
    ],
    peerAddress: advertised(config.listeners.peer, ports.peer),
  };
}

/** What others dial: as configured, else where it was bound. */
export function advertised(
  listener: ListenerConfig,
  boundPort: number,
): { readonly host: string; readonly port: number } {
  return {
    host: listener.advertisedHost ?? listener.host,
    port: listener.advertisedPort ?? boundPort,
  };
}
