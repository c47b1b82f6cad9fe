import type { ReplicaId } from "../../core/types.ts";
import { NO_LIMIT } from "../../core/types.ts";
import { describeEntries } from "../describe/describe-entry.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId } from "../script/arguments.ts";
import type { ScriptCluster } from "../script-cluster.ts";

/** `raft-log 1`: the stored log. */
export const raftLog: InteractionCommand = (cluster, test) => {
  writeLog(cluster, firstId(test));
};

/** Prints the stored log of a replica. */
export function writeLog(cluster: ScriptCluster, id: ReplicaId): void {
  const { storage } = cluster.node(id);
  const first = storage.firstIndex();
  const last = storage.lastIndex();
  if (last < first) {
    cluster.output.write(`log is empty: first index=${first}, last index=${last}`);
    return;
  }
  const entries = storage.entries(first, last + 1, NO_LIMIT);
  if (typeof entries !== "string") cluster.output.write(describeEntries(entries));
}
