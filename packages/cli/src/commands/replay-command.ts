import type { Command } from "commander";
import { POSITION_HELP } from "../records/position.ts";
import { type ClusterOptions, withClusterOption } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

/** Options of `strata replay`. */
export interface ReplayCommandOptions extends ClusterOptions {
  readonly from: string;
  readonly to: string;
  readonly partition?: number;
  readonly max?: number;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  strata replay orders                                        everything, then it ends
  strata replay orders --from @-1h --json                     the last hour, one JSON object a line
  strata replay orders --from @2026-01-31T00:00:00Z --to @2026-02-01T00:00:00Z
  strata replay orders --from -100                            the last hundred of each partition
  strata replay orders --partition 3 --from 100 --max 10

Where each partition ends is fixed when the replay starts. Order holds within a partition.`;

/** Adds `strata replay`. */
export function addReplayCommand(program: Command, context: CommandContext): void {
  withClusterOption(program.command("replay <topic>"))
    .summary("print what a topic has, and end")
    .description("Prints the records of a topic from a place to an end, without a group, and ends.")
    .option("--from <where>", POSITION_HELP, "start")
    .option("--to <where>", "end, an offset, or @time; exclusive", "end")
    .option("--partition <number>", "only this partition", wholeNumber(0, 9999))
    .option("--max <count>", "end after this many records", wholeNumber(1, 1_000_000_000))
    .option("--json", "one JSON object a line: where, when, key, value, headers")
    .addHelpText("after", EXAMPLES)
    .action(async (topic: string, options: ReplayCommandOptions, command: Command) => {
      const { parseReplay, runReplay } = await import("../records/run-replay.ts");
      const range = parseReplay(options);
      if (typeof range === "string") command.error(`error: ${range}`);
      context.setExitCode(await runReplay({ topic, range, options }, context));
    });
}
