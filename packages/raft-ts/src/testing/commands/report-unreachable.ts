import type { InteractionCommand } from "../interaction-environment.ts";
import { bareIds, ScriptError } from "../script/arguments.ts";

/** `report-unreachable 1 2`: replica 1 is told that a message to 2 was lost. */
export const reportUnreachable: InteractionCommand = (cluster, test) => {
  const [id, peer] = bareIds(test);
  if (id === undefined || peer === undefined) {
    throw new ScriptError(
      "must specify exactly two node indexes: node on which to report, and reported node",
    );
  }
  cluster.node(id).raft.reportUnreachable(peer);
};
