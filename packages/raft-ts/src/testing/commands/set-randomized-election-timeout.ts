import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, parseInteger, valueOf } from "../script/arguments.ts";

/** `set-randomized-election-timeout 1 timeout=5`: in ticks, until the replica draws a new one. */
export const setRandomizedElectionTimeout: InteractionCommand = (cluster, test) => {
  const ticks = parseInteger(valueOf(test, "timeout"));
  cluster.node(firstId(test)).raft.setRandomizedElectionTimeout(ticks);
};
