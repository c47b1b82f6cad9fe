import type { Command } from "commander";
import { POSITION_HELP } from "../records/position.ts";
import { type ClusterOptions, withClusterOption } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

/** Options of `strata consume`. */
export interface ConsumeCommandOptions extends ClusterOptions {
  readonly group?: string;
  readonly from: string;
  readonly max?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  strata consume orders                                   what comes from now on, until Ctrl-C
  strata consume orders --from start --max 10 --json
  strata consume orders --from -10                        the last ten of each partition, and on
  strata consume orders --from @-15m
  strata consume orders --group billing --from start      shares the partitions, commits offsets

In a group, --from says where to begin in partitions without a committed offset:
start or end. A record counts as done once it is printed.`;

/** Adds `strata consume`. */
export function addConsumeCommand(program: Command, context: CommandContext): void {
  withClusterOption(program.command("consume <topic>"))
    .summary("print records as they come")
    .description("Prints the records of a topic as they come, alone or as a member of a group.")
    .option("--group <name>", "join this consumer group")
    .option("--from <where>", POSITION_HELP, "end")
    .option("--max <count>", "end after this many records", wholeNumber(1, 1_000_000_000))
    .option("--json", "one JSON object a line: where, when, key, value, headers")
    .addHelpText("after", EXAMPLES)
    .action(async (topic: string, options: ConsumeCommandOptions, command: Command) => {
      const { parseStart, runConsume } = await import("../records/run-consume.ts");
      const start = parseStart(options);
      if (typeof start === "string") command.error(`error: ${start}`);
      context.setExitCode(await runConsume({ topic, start, options }, context));
    });
}
