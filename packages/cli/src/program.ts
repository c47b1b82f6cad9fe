import { Command } from "commander";
import { addBrokerCommand } from "./commands/broker-command.ts";
import type { CommandContext } from "./commands/command-context.ts";
import { addClusterCommand } from "./commands/cluster-command.ts";
import { addConsumeCommand } from "./commands/consume-command.ts";
import { addDevCommand } from "./commands/dev-command.ts";
import { addGroupCommand } from "./commands/group-command.ts";
import { addLogCommand } from "./commands/log-command.ts";
import { addProduceCommand } from "./commands/produce-command.ts";
import { addReplayCommand } from "./commands/replay-command.ts";
import { addTopicCommand } from "./commands/topic-command.ts";

const VERSION = "0.1.0";

const AFTER_HELP = `
Data goes to standard output, everything else to standard error. Exit codes:
0 done, 1 failed, 2 wrong command line, 130 interrupted. --brokers or
STRATALOG_BROKERS names the cluster; without them it is the one that
\`strata dev\` runs in this directory or above, else 127.0.0.1:9105.`;

/**
 * The whole tree of commands. Nothing heavy is loaded before a command runs, so that help is quick.
 */
export function createProgram(context: CommandContext): Command {
  const program = new Command("strata")
    .description("Stratalog: a partitioned, replicated commit log.")
    .version(VERSION)
    .addHelpText("after", AFTER_HELP)
    .showSuggestionAfterError()
    .exitOverride();
  addDevCommand(program, context);
  addBrokerCommand(program, context);
  addTopicCommand(program, context);
  addProduceCommand(program, context);
  addConsumeCommand(program, context);
  addReplayCommand(program, context);
  addGroupCommand(program, context);
  addClusterCommand(program, context);
  addLogCommand(program, context);
  return program;
}
