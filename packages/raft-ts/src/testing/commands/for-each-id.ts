import type { ReplicaId } from "../../core/types.ts";
import { bareIds } from "../script/arguments.ts";
import type { ScriptCase } from "../script/parse-script.ts";
import type { ScriptCluster } from "../script-cluster.ts";

/** Acts on every replica that the command names; with a heading for each when they are several. */
export function forEachId(
  cluster: ScriptCluster,
  test: ScriptCase,
  { title, run }: { readonly title: string; readonly run: (id: ReplicaId) => void },
): void {
  const ids = bareIds(test);
  for (const id of ids) {
    if (ids.length === 1) {
      run(id);
      continue;
    }
    cluster.output.write(`> ${id} ${title}\n`);
    cluster.output.indent(() => run(id));
  }
}
