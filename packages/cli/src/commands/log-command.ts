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
    .summary("read a stopped broker's data directory")
    .description("Reads a stopped broker's data directory; changes nothing in it.");
  addReport(log, context, {
    name: "inspect",
    description: "Shows groups, segments, indexes and the write-ahead log.",
    load: async () => (await import("../log/run-log.ts")).runInspect,
  });
  addReport(log, context, {
    name: "verify",
    description: "Checks every checksum and every invariant; exit code 1 when anything is wrong.",
    load: async () => (await import("../log/run-log.ts")).runVerify,
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

/** A command that reads a whole directory and reports, for people or for programs. */
function addReport(
  log: Command,
  context: CommandContext,
  report: {
    readonly name: string;
    readonly description: string;
    readonly load: () => Promise<
      (directory: string, options: LogReportOptions, context: CommandContext) => Promise<number>
    >;
  },
): void {
  const { name, description, load } = report;
  withOutputOption(log.command(`${name} <directory>`))
    .description(description)
    .addHelpText(
      "after",
      `
Examples:
  strata log ${name} .stratalog/broker-1
  strata log ${name} .stratalog/broker-1 -o json`,
    )
    .action(async (directory: string, options: LogReportOptions) => {
      const run = await load();
      context.setExitCode(await run(directory, options, context));
    });
}
