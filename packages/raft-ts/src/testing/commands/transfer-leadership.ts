import type { InteractionCommand } from "../interaction-environment.ts";
import { parseInteger, valueOf } from "../script/arguments.ts";

/** `transfer-leadership from=1 to=2`: replica 1 is asked to see to it that 2 leads. */
export const transferLeadership: InteractionCommand = (cluster, test) => {
  const from = cluster.node(parseInteger(valueOf(test, "from")));
  from.raft.transferLeadership(parseInteger(valueOf(test, "to")));
};
