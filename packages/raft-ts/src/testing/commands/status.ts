import { describeProgress } from "../describe/describe-ready.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";

/** `status 1`: how a leader sees each replica; nothing for anyone else. */
export const status: InteractionCommand = (cluster, test) => {
  for (const progress of cluster.node(firstId(test)).raft.status().progress) {
    cluster.output.write(`${progress.id}: ${describeProgress(progress)}\n`);
  }
};
