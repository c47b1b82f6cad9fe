import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, parseInteger } from "../script/arguments.ts";
import { writeLog } from "./raft-log.ts";

/** `compact 1 11`: the replica forgets its log through index 11. Prints what is left. */
export const compact: InteractionCommand = (cluster, test) => {
  const id = firstId(test);
  cluster.node(id).storage.compact(parseInteger(test.args[1]?.key));
  writeLog(cluster, id);
};
