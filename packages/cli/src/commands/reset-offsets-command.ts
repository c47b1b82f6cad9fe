import { machineClock } from "@stratalog/base";
import type { PartitionReset, OffsetResetOptions, ResetPoint } from "@stratalog/client";
import { type Command, InvalidArgumentError } from "commander";
import { parsePosition } from "../records/position.ts";
import { type FormatOptions, printFacts, useClient, withFormatOptions } from "./client-command.ts";
import type { CommandContext } from "./command-context.ts";
import { collect, wholeNumber } from "./option-parsers.ts";

interface ResetOptions extends FormatOptions {
  readonly to?: ResetPoint;
  readonly shift?: ResetPoint;
  readonly topic?: readonly string[];
  readonly partition?: readonly number[];
  readonly execute?: boolean;
}

const EXAMPLES = `
Examples:
  strata group reset-offsets billing --to start                     what it would do
  strata group reset-offsets billing --to start --execute           does it
  strata group reset-offsets billing --to @2026-01-31T12:00 --topic orders --execute
  strata group reset-offsets billing --shift -100 --topic orders --partition 3 --execute

The group must have no members. Without --topic: every partition that it has an offset of. An
offset outside of a partition becomes its nearest end.`;

/** Adds `strata group reset-offsets`. */
export function addResetOffsets(group: Command, context: CommandContext): void {
  withFormatOptions(group.command("reset-offsets <group>"))
    .description("Sets where a group goes on. Shows it only, unless --execute is given.")
    .option("--to <where>", "start, end, an offset, or @time (@2026-01-31T12:00, @-1h)", parsePoint)
    .option("--shift <records>", "so many on (10) or back (-10) from what is committed", parseShift)
    .option("--topic <topic>", "only this topic; may be given again", collect)
    .option("--partition <number>", "only this one of the topic; may be given again", addPartition)
    .option("--execute", "do it")
    .addHelpText("after", EXAMPLES)
    .action(async (name: string, options: ResetOptions, command: Command) => {
      const to = options.to ?? options.shift;
      if (to === undefined || (options.to !== undefined && options.shift !== undefined)) {
        command.error("error: say where to, with either --to or --shift");
      }
      const { topic, partition } = options;
      const wanted: OffsetResetOptions = {
        to,
        signal: context.signal,
        ...(topic === undefined ? {} : { topics: topic }),
        ...(partition === undefined ? {} : { partitions: partition }),
      };
      const resets = await useClient(options, (client) => {
        const admin = client.admin();
        return options.execute === true
          ? admin.resetOffsets(name, wanted)
          : admin.planOffsetReset(name, wanted);
      });
      await printResets(context, options, resets);
    });
}

async function printResets(
  context: CommandContext,
  options: ResetOptions,
  resets: readonly PartitionReset[],
): Promise<void> {
  await printFacts(context, options, {
    json: { executed: options.execute === true, partitions: resets },
    headings: ["topic", "partition", "from", "to", "lag"],
    rows: resets.map(({ topic, partition, from, to, lag }) => [
      topic,
      partition,
      String(from ?? "-"),
      String(to),
      String(lag),
    ]),
  });
  if (options.execute !== true) context.output.note("nothing is changed yet: add --execute");
}

function parsePoint(text: string): ResetPoint {
  const position = parsePosition(text, machineClock.wallMs());
  if (position?.kind === "earliest" || position?.kind === "latest") return position.kind;
  if (position?.kind === "offset") return { offset: position.offset };
  if (position?.kind === "time") return { timestamp: position.timestampMs };
  throw new InvalidArgumentError("It must be start, end, an offset, or @time.");
}

function parseShift(text: string): ResetPoint {
  if (/^[+-]?\d{1,15}$/.test(text)) return { shift: Number(text) };
  throw new InvalidArgumentError("It must be a whole number, such as 100 or -100.");
}

function addPartition(text: string, previous: readonly number[] = []): readonly number[] {
  return [...previous, wholeNumber(0, 9_999)(text)];
}
