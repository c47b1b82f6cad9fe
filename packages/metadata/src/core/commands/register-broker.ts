import { type Shaped, shape } from "@stratalog/base";
import {
  brokerIdShape,
  clusterIdShape,
  directoryIdShape,
  endpointShape,
  listenerShape,
  uuidShape,
} from "../fields.ts";
import type { MetadataImage } from "../image.ts";
import { accept, type CommandResult, refuse } from "./command-result.ts";

/** What a broker says of itself at each start. */
export const registerBrokerShape = shape.object({
  clusterId: clusterIdShape,
  brokerId: brokerIdShape,
  directoryId: directoryIdShape,
  incarnation: uuidShape,
  rack: shape.optional(shape.text),
  clientListeners: shape.list(listenerShape),
  peerAddress: endpointShape,
});
export type RegisterBroker = Shaped<typeof registerBrokerShape>;

/** Most brokers of a cluster. */
export const BROKERS_MAX = 1_000;

/**
 * Takes a broker in, fenced until its first heartbeat says that it has caught up with the metadata.
 * A broker id belongs to one data directory for good: an empty directory under a known id would
 * vote again on what the lost one had already promised.
 */
export function handleRegisterBroker(
  image: MetadataImage,
  command: RegisterBroker,
): CommandResult<{ readonly brokerEpoch: number }> {
  const { clusterId, ...fields } = command;
  if (image.clusterId === undefined) {
    return refuse("CLUSTER_NOT_FORMED", "the cluster's id is not written yet; try again");
  }
  if (image.clusterId !== clusterId) {
    return refuse(
      "CLUSTER_ID_MISMATCH",
      `broker ${command.brokerId} belongs to cluster ${clusterId}; ` +
        `this is cluster ${image.clusterId}`,
    );
  }
  const known = image.brokers.get(command.brokerId);
  if (known !== undefined && known.directoryId !== command.directoryId) {
    return refuse(
      "INVALID_CONFIG",
      `broker ${command.brokerId} is registered with data directory ${known.directoryId}, ` +
        `not ${command.directoryId}; start it with its own data directory, ` +
        "or give this one a broker id that was never used",
    );
  }
  if (known?.incarnation === command.incarnation) {
    return accept([], { brokerEpoch: known.brokerEpoch });
  }
  if (known === undefined && image.brokers.size >= BROKERS_MAX) {
    return refuse("INVALID_REQUEST", `a cluster has at most ${BROKERS_MAX} brokers`);
  }
  const brokerEpoch = image.nextEpoch;
  return accept([{ type: "broker-registered", ...fields, brokerEpoch, isFenced: true }], {
    brokerEpoch,
  });
}
