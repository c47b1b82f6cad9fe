import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `tick-heartbeat 1`: as many ticks as lie between two heartbeats. */
export const tickHeartbeat: InteractionCommand = (cluster, test) => {
  const node = cluster.node(firstId(test));
  for (let i = 0; i < node.heartbeatTicks; i++) node.raft.tick();
};
