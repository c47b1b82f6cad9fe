import { type Shaped, shape } from "@stratalog/base";
import { clusterIdShape } from "../fields.ts";
import type { MetadataImage } from "../image.ts";
import { accept, type CommandResult, refuse } from "./command-result.ts";

/** Writes the cluster's id, drawn at formation, as the first fact of the log. */
export const formClusterShape = shape.object({ clusterId: clusterIdShape });
export type FormCluster = Shaped<typeof formClusterShape>;

/** Harmless when repeated with the same id. */
export function handleFormCluster(
  image: MetadataImage,
  command: FormCluster,
): CommandResult<{ readonly clusterId: string }> {
  const { clusterId } = command;
  if (image.clusterId === clusterId) return accept([], { clusterId });
  if (image.clusterId !== undefined) {
    return refuse("CLUSTER_ID_MISMATCH", `this cluster is ${image.clusterId}, not ${clusterId}`);
  }
  return accept([{ type: "cluster-formed", clusterId }], { clusterId });
}
