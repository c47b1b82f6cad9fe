import type { Snapshot } from "../../core/types.ts";
import { ScriptData } from "../describe/describe-entry.ts";
import type { InteractionCommand } from "../interaction-environment.ts";
import { firstId, parseBoolean, parseInteger, ScriptError } from "../script/arguments.ts";
import type { ScriptArgument } from "../script/parse-script.ts";
import { emptySnapshot, type ScriptNodeOptions } from "../script-node.ts";

/**
 * `add-nodes 3 voters=(1,2,3) learners=(4) index=10 content=text option=value …`: replicas with the
 * next free numbers. With `index` they start from a snapshot there.
 */
export const addNodes: InteractionCommand = (cluster, test) => {
  const count = firstId(test);
  const args = test.args.slice(1);
  const start = parseStart(args);
  let options: ScriptNodeOptions = {};
  for (const arg of args) options = { ...options, ...parseOption(arg) };
  for (let i = 0; i < count; i++) cluster.add(options, start);
};

function parseStart(args: readonly ScriptArgument[]): Snapshot {
  const empty = emptySnapshot();
  let { index, data } = empty;
  let { voters, learners } = empty.confState;
  for (const { key, values } of args) {
    if (key === "voters") voters = values.map(parseInteger);
    if (key === "learners") learners = values.map(parseInteger);
    if (key === "index") index = parseInteger(values[0]);
    if (key === "content") data = new ScriptData(values[0] ?? "");
  }
  const isEmpty = index === 0 && data === undefined && voters.length + learners.length === 0;
  if (isEmpty) return empty;
  if (index <= 1) throw new ScriptError("index must be specified as > 1 due to bootstrap");
  return { index, term: 1, confState: { ...empty.confState, voters, learners }, data };
}

function parseOption({ key, values }: ScriptArgument): ScriptNodeOptions {
  const [value] = values;
  switch (key) {
    case "inflight":
      return { maxInflightMessages: parseInteger(value) };
    case "async-storage-writes":
      return { asyncStorageWrites: parseBoolean(value) };
    case "prevote":
      return { preVote: parseBoolean(value) };
    case "checkquorum":
      return { checkQuorum: parseBoolean(value) };
    case "max-bytes-per-message":
      return { maxBytesPerMessage: parseInteger(value) };
    case "max-committed-size-per-ready":
      return { maxCommittedBytesPerReady: parseInteger(value) };
    case "disable-conf-change-validation":
      return { disableConfChangeValidation: parseBoolean(value) };
    case "step-down-on-removal":
      return { stepDownOnRemoval: parseBoolean(value) };
    case "read-only":
      if (value === "safe") return { readMode: "quorum" };
      if (value === "lease-based") return { readMode: "lease" };
      throw new ScriptError(`invalid read-only option "${value}"`);
    default:
      return {};
  }
}
