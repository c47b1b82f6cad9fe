import type { Command } from "commander";
import { withOutputOption } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";

/** Options of `strata log inspect` and `strata log verify`. */
export interface LogReportOptions {
  readonly output: "table" | "json";
}

/** Adds `strata log`, which reads the data directory of a broker that is stopped. */
export function addLogCommand(program: Command, context: CommandContext): void {
  const log = program
    .command("log")
    .description("Reads a stopped broker's data directory; changes nothing in it.");
  withOutputOption(log.command("inspect <directory>"))
    .description("Shows groups, segments, indexes and the write-ahead log.")
    .addHelpText(
      "after",
      `
Examples:
  strata log inspect .stratalog/broker-1
  strata log inspect .stratalog/broker-1 -o json`,
    )
    .action(async (directory: string, options: LogReportOptions) => {
      const { runInspect } = await import("../log/run-log.ts");
      context.setExitCode(await runInspect(directory, options, context));
    });
  withOutputOption(log.command("verify <directory>"))
    .description("Checks every checksum and every invariant; exit code 1 when anything is wrong.")
    .addHelpText(
      "after",
      `
Examples:
  strata log verify .stratalog/broker-1
  strata log verify .stratalog/broker-1 -o json`,
    )
    .action(async (directory: string, options: LogReportOptions) => {
      const { runVerify } = await import("../log/run-log.ts");
      context.setExitCode(await runVerify(directory, options, context));
    });
  log
    .command("export <directory>")
    .description("Prints all records in the segments, one JSON object a line.")
    .addHelpText(
      "after",
      `
Examples:
  strata log export .stratalog/broker-1 > records.jsonl

What a killed broker has in its write-ahead log alone is not printed: start and stop it first.`,
    )
    .action(async (directory: string) => {
      const { runExport } = await import("../log/run-log.ts");
      context.setExitCode(await runExport(directory, context));
    });
}
