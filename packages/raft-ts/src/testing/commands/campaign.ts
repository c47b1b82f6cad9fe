import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `campaign 1`: the replica starts an election. */
export const campaign: InteractionCommand = (cluster, test) => {
  cluster.node(firstId(test)).raft.campaign();
};
