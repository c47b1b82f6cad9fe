import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `restart 1`: the replica starts again with what it has written, and nothing else. */
export const restart: InteractionCommand = (cluster, test) => {
  cluster.node(firstId(test)).restart();
};
