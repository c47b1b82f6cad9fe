import layers from "../../scripts/layers.json" with { type: "json" };

/** Which workspace packages each package may depend on: the arrows of the architecture. */
export const LAYERS: Readonly<Record<string, readonly string[]>> = layers;

/** The npm name of a package folder. raft-ts stands on its own and carries no scope. */
export function npmNameOf(packageName: string): string {
  return packageName === "raft-ts" ? packageName : `@stratalog/${packageName}`;
}
