import { type Command, Option } from "commander";
import type { ClusterOptions } from "./client-command.ts";
import { withClusterOption } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

/** Options of `strata produce`. */
export interface ProduceCommandOptions extends ClusterOptions {
  readonly file?: string;
  readonly keyField?: string;
  readonly keySeparator?: string;
  readonly json?: boolean;
  readonly partition?: number;
  readonly compression: "none" | "gzip" | "zstd";
}

const EXAMPLES = `
Examples:
  echo hello | strata produce greetings
  strata produce orders --file orders.jsonl --key-field customer.id --compression zstd
  printf 'k1:v1\\nk2:v2\\n' | strata produce pairs --key-separator :

  strata replay orders --json | strata produce orders-copy --json

Each line is one record. With 0 as exit code every line is on the disks of a majority.`;

/** Adds `strata produce`. */
export function addProduceCommand(program: Command, context: CommandContext): void {
  const compression = new Option("--compression <codec>", "codec of batches");
  withClusterOption(program.command("produce <topic>"))
    .summary("write lines as records")
    .description("Writes the lines of standard input, or of a file, as records.")
    .option("--file <file>", "read this instead of standard input")
    .addOption(
      new Option("--key-field <name>", "lines are JSON; this field is the key (a.b goes deeper)"),
    )
    .addOption(
      new Option("--key-separator <text>", "lines are key, separator, value").conflicts("keyField"),
    )
    .addOption(
      new Option("--json", "lines are what --json of consume and replay prints").conflicts([
        "keyField",
        "keySeparator",
      ]),
    )
    .option("--partition <number>", "write to this partition alone", wholeNumber(0, 9999))
    .addOption(compression.choices(["none", "gzip", "zstd"]).default("none"))
    .addHelpText("after", EXAMPLES)
    .action(async (topic: string, options: ProduceCommandOptions) => {
      const { runProduce } = await import("../records/run-produce.ts");
      context.setExitCode(await runProduce(topic, options, context));
    });
}
