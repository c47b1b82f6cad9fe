import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `tick-election 1`: as many ticks as an election timeout has at least. */
export const tickElection: InteractionCommand = (cluster, test) => {
  const node = cluster.node(firstId(test));
  for (let i = 0; i < node.electionTicks; i++) node.raft.tick();
};
