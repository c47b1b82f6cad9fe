import type { Command } from "commander";
import { DEV_DIRECTORY_NAME } from "../dev/dev-directory-name.ts";
import type { CommandContext } from "./command-context.ts";
import { collect, wholeNumber } from "./option-parsers.ts";

const EXAMPLES = `
Examples:
  strata dev                              three brokers over ./.stratalog, until Ctrl-C
  strata dev --brokers 1 --data ./mine    one broker over ./mine
  strata dev --tour                       the same as npm start: a tour of a minute, then it stays
  strata dev --tour --exit                ends after the tour: 0 only if every comparison held
  strata dev --tour --exit --events kafka.jsonl.gz`;

/** Adds `strata dev`. */
export function addDevCommand(program: Command, context: CommandContext): void {
  program
    .command("dev")
    .summary("run a cluster on this machine")
    .description(
      "Runs a cluster of broker processes on loopback, without TLS, until Ctrl-C. All its data " +
        "is in one directory; starting it again over the same directory resumes it.",
    )
    .option("--brokers <count>", "brokers of a new cluster (default: 3)", wholeNumber(1, 9))
    .option("--data <dir>", "data directory", DEV_DIRECTORY_NAME)
    .option("--set <key=value>", "a setting for every broker; may be given again", collect, [])
    .option("--tour", "show what the cluster does, on real input, and check it")
    .option("--exit", "end after the tour instead of staying")
    .option("--events <file>", "file changes for the tour's last step: NAME.jsonl or NAME.jsonl.gz")
    .addHelpText("after", EXAMPLES)
    .action(async (options: DevCommandOptions, command: Command) => {
      if ((options.exit === true || options.events !== undefined) && options.tour !== true) {
        command.error("error: --exit and --events belong to --tour");
      }
      const { runDev } = await import("../dev/run-dev.ts");
      context.setExitCode(await runDev(options, context));
    });
}

/** Options of `strata dev`. */
export interface DevCommandOptions {
  readonly brokers?: number;
  readonly data: string;
  readonly set: readonly string[];
  readonly tour?: boolean;
  readonly exit?: boolean;
  readonly events?: string;
}
