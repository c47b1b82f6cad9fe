import type { ReplicaId } from "../../core/types.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { bareIds, ScriptError, valueOf } from "../script/arguments.ts";
import type { ScriptCluster } from "../script-cluster.ts";

/**
 * `stabilize 1 2 [log-level=none]`: these replicas, or all, act until nothing is left to do: in
 * each round first every Ready, then every message, then the append workers, then the apply
 * workers.
 */
export const stabilize: InteractionCommand = (cluster, test) => {
  const level = cluster.output.level;
  const wanted = valueOf(test, "log-level");
  if (wanted !== undefined && !cluster.output.setLevel(wanted)) {
    throw new ScriptError(`there is no log level ${wanted}`);
  }
  const named = bareIds(test);
  const ids = named.length > 0 ? named : cluster.nodes.map(({ raft }) => raft.id);
  while (runRound(cluster, ids)) {
    // Each round may cause work for the next one.
  }
  cluster.output.setLevel(level);
};

/** Whether anything was done. */
function runRound(cluster: ScriptCluster, ids: readonly ReplicaId[]): boolean {
  let isActive = false;
  const act = (id: ReplicaId, title: string, run: () => void): void => {
    isActive = true;
    cluster.output.write(`> ${id} ${title}\n`);
    run();
  };
  const { output } = cluster;
  for (const id of ids) {
    if (!cluster.node(id).raft.hasReady()) continue;
    act(id, "handling Ready", () => output.indent(() => cluster.processReady(id)));
  }
  for (const id of ids) {
    if (!cluster.hasMessagesTo(id)) continue;
    act(id, "receiving messages", () =>
      output.indent(() => cluster.deliver({ to: id, how: "deliver" })),
    );
  }
  for (const id of ids) {
    const { appendWork } = cluster.node(id);
    if (appendWork.length === 0) continue;
    act(id, "processing append thread", () => {
      while (appendWork.length > 0) output.indent(() => cluster.processAppendThread(id));
    });
  }
  for (const id of ids) {
    const { applyWork } = cluster.node(id);
    if (applyWork.length === 0) continue;
    act(id, "processing apply thread", () => {
      while (applyWork.length > 0) output.indent(() => cluster.processApplyThread(id));
    });
  }
  return isActive;
}
