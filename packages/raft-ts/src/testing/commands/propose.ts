import { ScriptData } from "../describe/describe-entry.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, ScriptError } from "../script/arguments.ts";

/** `propose 1 text`: one entry. */
export const propose: InteractionCommand = (cluster, test) => {
  const data = new ScriptData(test.args[1]?.key ?? "");
  const result = cluster.node(firstId(test)).raft.propose(data);
  if (!result.accepted) throw new ScriptError("raft proposal dropped");
};
