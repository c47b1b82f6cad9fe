import { type Command, Help, type Option } from "commander";
import { addBenchCommand } from "./commands/bench-command.ts";
import { addBrokerCommand } from "./commands/broker-command.ts";
import type { CommandContext } from "./commands/command-context.ts";
import { addClusterCommand } from "./commands/cluster-command.ts";
import { addCompletionCommand } from "./commands/completion-command.ts";
import { addConsumeCommand } from "./commands/consume-command.ts";
import { addDevCommand } from "./commands/dev-command.ts";
import { addDlqCommand } from "./commands/dlq-command.ts";
import { EnvironmentCommand } from "./commands/environment-command.ts";
import { addGroupCommand } from "./commands/group-command.ts";
import { addLogCommand } from "./commands/log-command.ts";
import { addProduceCommand } from "./commands/produce-command.ts";
import { addProfileCommand } from "./commands/profile-command.ts";
import { addReplayCommand } from "./commands/replay-command.ts";
import { addTopicCommand } from "./commands/topic-command.ts";

const VERSION = "0.1.0";

const AFTER_HELP = `
Data goes to standard output, everything else to standard error. --brokers or
--profile names the cluster; without them it is the profile in use, else the one
that \`strata dev\` runs in this directory or above, else 127.0.0.1:9105.

Every flag has a twin in the environment: STRATA, the command and the flag, as in
STRATA_TOPIC_CREATE_PARTITIONS; those that name the cluster are shared:
STRATALOG_BROKERS, STRATALOG_PROFILE, STRATALOG_TLS, STRATALOG_TLS_CA and so on.

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 not found, 4 no broker
answered, 6 exists or in use, 10 looked at and not healthy, 130 interrupted.`;

/**
 * The whole tree of commands. Nothing heavy is loaded before a command runs, so that help is quick.
 */
export function createProgram(context: CommandContext): Command {
  const program = createTree(context);
  addCompletionCommand(program, () => createTree(context));
  return program;
}

function createTree(context: CommandContext): Command {
  const program = new EnvironmentCommand("strata")
    .description("Stratalog: a partitioned, replicated commit log.")
    .version(VERSION)
    .addHelpText("after", AFTER_HELP)
    .showSuggestionAfterError()
    .configureHelp({ optionDescription: withoutVariable })
    .exitOverride();
  addDevCommand(program, context);
  addBrokerCommand(program, context);
  addTopicCommand(program, context);
  addProduceCommand(program, context);
  addConsumeCommand(program, context);
  addReplayCommand(program, context);
  addGroupCommand(program, context);
  addDlqCommand(program, context);
  addClusterCommand(program, context);
  addBenchCommand(program, context);
  addLogCommand(program, context);
  addProfileCommand(program, context);
  return program;
}

/** Help for a flag; its variable follows a rule that is told once, so it need not stand at each. */
function withoutVariable(option: Option): string {
  const plain: unknown = Object.create(option, { envVar: { value: undefined } });
  // It inherits everything from the option but that one field.
  return new Help().optionDescription(plain as Option);
}
