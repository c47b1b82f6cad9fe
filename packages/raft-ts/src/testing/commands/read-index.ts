import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, parseInteger, ScriptError } from "../script/arguments.ts";

/** `read-index 1 7`: the replica asks at which index a read, named 7, may be served. */
export const readIndex: InteractionCommand = (cluster, test) => {
  const context = parseInteger(test.args[1]?.key);
  const result = cluster.node(firstId(test)).raft.readIndex(context);
  if (!result.accepted) throw new ScriptError(`read refused: ${result.reason}`);
};
