import { type Shaped, shape } from "@stratalog/base";
import { brokerIdShape, clusterIdShape } from "../fields.ts";
import type { MetadataImage } from "../image.ts";
import { accept, type CommandResult, refuse } from "./command-result.ts";

/** Writes what was agreed at formation as the first fact of the log. */
export const formClusterShape = shape.object({
  clusterId: clusterIdShape,
  /** The initial voters of the controller's group. */
  voters: shape.list(brokerIdShape),
});
export type FormCluster = Shaped<typeof formClusterShape>;

/** Harmless when repeated with the same id. */
export function handleFormCluster(
  image: MetadataImage,
  command: FormCluster,
): CommandResult<{ readonly clusterId: string }> {
  const { clusterId, voters } = command;
  if (image.clusterId === clusterId) return accept([], { clusterId });
  if (image.clusterId !== undefined) {
    return refuse("CLUSTER_ID_MISMATCH", `this cluster is ${image.clusterId}, not ${clusterId}`);
  }
  return accept([{ type: "cluster-formed", clusterId, voters }], { clusterId });
}
