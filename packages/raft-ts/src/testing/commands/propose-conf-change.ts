import type { ConfChangeTransition } from "../../core/types.ts";
import { parseConfChangeSteps, type ScriptConfChange } from "../describe/describe-conf-change.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, parseBoolean, ScriptError, valueOf } from "../script/arguments.ts";

const TRANSITIONS: ReadonlyMap<string, ConfChangeTransition> = new Map([
  ["auto", "auto"],
  ["implicit", "joint-implicit"],
  ["explicit", "joint-explicit"],
]);

/**
 * `propose-conf-change 1 [v1=true] [transition=explicit]` with steps such as `v2 r3` as input; none
 * leaves a joint configuration.
 */
export const proposeConfChange: InteractionCommand = (cluster, test) => {
  const isVersion1 = valueOf(test, "v1") !== undefined && parseBoolean(valueOf(test, "v1"));
  const name = valueOf(test, "transition") ?? "auto";
  const transition = TRANSITIONS.get(name);
  if (transition === undefined) throw new ScriptError(`unknown transition ${name}`);
  const changes = parseConfChangeSteps(test.input);
  if (typeof changes === "string") throw new ScriptError(changes);
  if (isVersion1 && (changes.length > 1 || transition !== "auto")) {
    throw new ScriptError("v1 conf change can only have one operation and no transition");
  }
  const change: ScriptConfChange = {
    transition,
    changes,
    ...(isVersion1 && { isVersion1: true }),
  };
  const result = cluster.node(firstId(test)).raft.proposeConfChange(change);
  if (!result.accepted) throw new ScriptError("raft proposal dropped");
};
