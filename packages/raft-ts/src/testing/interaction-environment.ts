import { addNodes } from "./commands/add-nodes.ts";
import { campaign } from "./commands/campaign.ts";
import { compact } from "./commands/compact.ts";
import { deliverMessages } from "./commands/deliver-msgs.ts";
import { forgetLeader } from "./commands/forget-leader.ts";
import { logLevel } from "./commands/log-level.ts";
import { processAppendThread } from "./commands/process-append-thread.ts";
import { processApplyThread } from "./commands/process-apply-thread.ts";
import { processReady } from "./commands/process-ready.ts";
import { proposeConfChange } from "./commands/propose-conf-change.ts";
import { propose } from "./commands/propose.ts";
import { raftLog } from "./commands/raft-log.ts";
import { raftState } from "./commands/raft-state.ts";
import { readIndex } from "./commands/read-index.ts";
import { reportUnreachable } from "./commands/report-unreachable.ts";
import { restart } from "./commands/restart.ts";
import { sendSnapshot } from "./commands/send-snapshot.ts";
import { setRandomizedElectionTimeout } from "./commands/set-randomized-election-timeout.ts";
import { stabilize } from "./commands/stabilize.ts";
import { status } from "./commands/status.ts";
import { tickElection } from "./commands/tick-election.ts";
import { tickHeartbeat } from "./commands/tick-heartbeat.ts";
import { transferLeadership } from "./commands/transfer-leadership.ts";
import { ScriptError } from "./script/arguments.ts";
import type { ScriptCase } from "./script/parse-script.ts";
import type { ScriptEnvironment } from "./script/run-script.ts";
import { ScriptCluster } from "./script-cluster.ts";

/** One command: acts on the cluster and writes to its output. */
export type InteractionCommand = (cluster: ScriptCluster, test: ScriptCase) => void;

const COMMANDS: ReadonlyMap<string, InteractionCommand> = new Map([
  ["add-nodes", addNodes],
  ["campaign", campaign],
  ["compact", compact],
  ["deliver-msgs", deliverMessages],
  ["forget-leader", forgetLeader],
  ["log-level", logLevel],
  ["process-append-thread", processAppendThread],
  ["process-apply-thread", processApplyThread],
  ["process-ready", processReady],
  ["propose", propose],
  ["propose-conf-change", proposeConfChange],
  ["raft-log", raftLog],
  ["raft-state", raftState],
  ["read-index", readIndex],
  ["report-unreachable", reportUnreachable],
  ["restart", restart],
  ["send-snapshot", sendSnapshot],
  ["set-randomized-election-timeout", setRandomizedElectionTimeout],
  ["stabilize", stabilize],
  ["status", status],
  ["tick-election", tickElection],
  ["tick-heartbeat", tickHeartbeat],
  ["transfer-leadership", transferLeadership],
]);

/** Whole replicas that send each other messages only when the script says so. */
export class InteractionEnvironment implements ScriptEnvironment {
  readonly commands = [...COMMANDS.keys()];
  readonly #cluster = new ScriptCluster();

  run(test: ScriptCase): string {
    const { output } = this.#cluster;
    let problem = "";
    try {
      const command = COMMANDS.get(test.command);
      if (command === undefined) throw new ScriptError("unknown command");
      command(this.#cluster, test);
    } catch (error) {
      // What the script got wrong is output; anything else is a bug and stops the run.
      if (!(error instanceof ScriptError)) throw error;
      problem = error.message;
    }
    const text = output.take() + problem;
    return text === "" ? "ok" : text;
  }
}
