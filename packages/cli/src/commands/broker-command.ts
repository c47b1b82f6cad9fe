import type { Command } from "commander";
import type { CommandContext } from "./command-context.ts";
import { collect } from "./option-parsers.ts";

const EXAMPLES = `
Examples:
  strata broker --config broker-1.yaml
  strata broker --config broker-1.yaml --set log.level=debug
  STRATALOG_NODE_ID=1 STRATALOG_DATA_DIR=./data strata broker
  strata broker --settings                every setting with its default, as a table

Flags win over STRATALOG_* variables, these over the file, the file over defaults.`;

/** Options of `strata broker`. */
export interface BrokerCommandOptions {
  readonly config?: string;
  readonly set: readonly string[];
  readonly settings?: boolean;
}

/** Adds `strata broker`. */
export function addBrokerCommand(program: Command, context: CommandContext): void {
  program
    .command("broker")
    .summary("run one broker")
    .description("Runs one broker in this process until it is asked to stop (Ctrl-C or SIGTERM).")
    .option("--config <file>", "YAML file with the broker's settings")
    .option("--set <key=value>", "a setting; may be given again", collect, [])
    .option("--settings", "print the reference of all settings and end")
    .addHelpText("after", EXAMPLES)
    .action(async (options: BrokerCommandOptions) => {
      const { runBroker } = await import("../broker/run-broker.ts");
      context.setExitCode(await runBroker(options, context));
    });
}
