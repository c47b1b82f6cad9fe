import type { Command } from "commander";
import {
  type ClusterOptions,
  type FormatOptions,
  withClusterOption,
  withFormatOptions,
} from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

export type DlqListOptions = FormatOptions;

/** Options of `strata dlq show`. */
export interface DlqShowOptions extends ClusterOptions {
  readonly all?: boolean;
  readonly max?: number;
  readonly json?: boolean;
}

/** Options of `strata dlq redrive`. */
export interface DlqRedriveOptions extends FormatOptions {
  readonly max?: number;
  readonly dryRun?: boolean;
}

const COUNT_MAX = 1_000_000_000;

/** Adds `strata dlq`. */
export function addDlqCommand(program: Command, context: CommandContext): void {
  const dlq = program.command("dlq");
  dlq.summary("show dead letters, send them back");
  dlq.description("Shows dead letters, records that no handler could deal with; sends them back.");
  addList(dlq, context);
  addShow(dlq, context);
  addRedrive(dlq, context);
}

function addList(dlq: Command, context: CommandContext): void {
  withFormatOptions(dlq.command("list [topics...]"))
    .description("Lists dead-letter topics: those whose names end in .dlq, or those named.")
    .addHelpText(
      "after",
      `
Examples:
  strata dlq list
  strata dlq list orders.dlq failed-payments -o json`,
    )
    .action(async (topics: readonly string[], options: DlqListOptions) => {
      const { runDlqList } = await import("../dlq/run-dlq.ts");
      await runDlqList(topics, options, context);
    });
}

function addShow(dlq: Command, context: CommandContext): void {
  withClusterOption(dlq.command("show <topic>"))
    .description("Prints dead letters: the record, where it came from, why it failed.")
    .option("--all", "also those that were redriven")
    .option("--max <count>", "end after this many", wholeNumber(1, COUNT_MAX))
    .option("--json", "one JSON object a line")
    .addHelpText(
      "after",
      `
Examples:
  strata dlq show orders.dlq
  strata dlq show orders.dlq --all --max 10 --json`,
    )
    .action(async (topic: string, options: DlqShowOptions) => {
      const { runDlqShow } = await import("../dlq/run-dlq.ts");
      await runDlqShow(topic, options, context);
    });
}

function addRedrive(dlq: Command, context: CommandContext): void {
  withFormatOptions(dlq.command("redrive <topic>"))
    .description("Sends dead letters back to where they came from, as they were.")
    .option("--dry-run", "only say how many, and where to")
    .option("--max <count>", "send no more than this many", wholeNumber(1, COUNT_MAX))
    .addHelpText(
      "after",
      `
Examples:
  strata dlq redrive orders.dlq --dry-run                    what it would send
  strata dlq redrive orders.dlq                              sends it
  strata dlq redrive orders.dlq --max 100 -o json

How far it is is committed for the group <topic>.redrive: what was stopped goes on where it was, and
sends at most 100 records twice after a crash. What comes while it runs is for the next one.`,
    )
    .action(async (topic: string, options: DlqRedriveOptions) => {
      const { runDlqRedrive } = await import("../dlq/run-dlq.ts");
      context.setExitCode(await runDlqRedrive(topic, options, context));
    });
}
