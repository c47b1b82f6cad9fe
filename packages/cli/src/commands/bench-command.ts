import { type Command, Option } from "commander";
import { type FormatOptions, withFormatOptions } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { wholeNumber } from "./option-parsers.ts";

/** Where the records of a measurement go. */
interface BenchTopicOptions extends FormatOptions {
  readonly topic?: string;
  readonly partitions: number;
  readonly size: number;
}

/** Options of `strata bench produce`. */
export interface BenchProduceOptions extends BenchTopicOptions {
  readonly records: number;
  readonly compression: "none" | "gzip" | "zstd";
}

/** Options of `strata bench consume`. */
export interface BenchConsumeOptions extends FormatOptions {
  readonly max?: number;
}

/** Options of `strata bench latency`. */
export interface BenchLatencyOptions extends BenchTopicOptions {
  readonly rate: number;
  readonly seconds: number;
}

/** Adds `strata bench`: how fast a cluster is, seen from here. */
export function addBenchCommand(program: Command, context: CommandContext): void {
  const bench = program
    .command("bench")
    .summary("measure a cluster with real load")
    .description("Measures a cluster from here. It sends real load: mind who shares the cluster.");
  addProduce(bench, context);
  addConsume(bench, context);
  addLatency(bench, context);
}

const TOPIC_HELP = `
Without --topic a topic is made for the measurement, and deleted after it.`;

function withTopicOptions(command: Command): Command {
  return withFormatOptions(command)
    .option("--topic <name>", "write to this topic, and keep it")
    .option("--partitions <count>", "partitions of a new topic", wholeNumber(1, 1_000), 12)
    .option("--size <bytes>", "bytes of a value", wholeNumber(16, 1_000_000), 1024);
}

function addProduce(bench: Command, context: CommandContext): void {
  const compression = new Option("--compression <codec>", "codec of batches");
  withTopicOptions(bench.command("produce"))
    .description("Sends records as fast as they are acknowledged.")
    .option("--records <count>", "how many", wholeNumber(1, 1_000_000_000), 200_000)
    .addOption(compression.choices(["none", "gzip", "zstd"]).default("none"))
    .addHelpText(
      "after",
      `
Examples:
  strata bench produce
  strata bench produce --records 1000000 --size 100 -o json
  strata bench produce --topic load --compression zstd
${TOPIC_HELP}`,
    )
    .action(async (options: BenchProduceOptions) => {
      const { benchProduce } = await import("../bench/bench-produce.ts");
      context.setExitCode(await benchProduce(options, context));
    });
}

function addConsume(bench: Command, context: CommandContext): void {
  withFormatOptions(bench.command("consume <topic>"))
    .description("Reads a topic from its start to its end, without a group.")
    .option("--max <count>", "end after this many records", wholeNumber(1, 1_000_000_000))
    .addHelpText(
      "after",
      `
Examples:
  strata bench consume orders
  strata bench consume orders --max 1000000 -o json`,
    )
    .action(async (topic: string, options: BenchConsumeOptions) => {
      const { benchConsume } = await import("../bench/bench-consume.ts");
      context.setExitCode(await benchConsume(topic, options, context));
    });
}

function addLatency(bench: Command, context: CommandContext): void {
  withTopicOptions(bench.command("latency"))
    .description("Sends at a steady rate and tells how long acknowledgement and delivery take.")
    .option("--rate <count>", "records a second", wholeNumber(1, 100_000), 1_000)
    .option("--seconds <count>", "how long", wholeNumber(1, 3_600), 10)
    .addHelpText(
      "after",
      `
Examples:
  strata bench latency
  strata bench latency --rate 5000 --seconds 60 --size 200 -o json

A record that is late because earlier ones were counts from when it was due.
${TOPIC_HELP}`,
    )
    .action(async (options: BenchLatencyOptions) => {
      const { benchLatency } = await import("../bench/bench-latency.ts");
      context.setExitCode(await benchLatency(options, context));
    });
}
