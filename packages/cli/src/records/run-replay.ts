import { machineClock } from "@stratalog/base";
import type { ReplayOptions, ReplayPoint } from "@stratalog/client";
import { useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { ReplayCommandOptions } from "../commands/replay-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { POSITION_HELP, type Position, parsePosition } from "./position.ts";
import { printRecords } from "./print-records.ts";

/** From where to where, as the SDK takes it. */
export type ReplayRange = Required<Pick<ReplayOptions, "from" | "to">>;

function point(position: Position): ReplayPoint | undefined {
  if (position.kind === "offset") return { offset: position.offset };
  return position.kind === "time" ? { timestamp: position.timestampMs } : undefined;
}

/** Reads `--from` and `--to`, or says what is wrong with them. */
export function parseReplay(options: ReplayCommandOptions): ReplayRange | string {
  const nowMs = machineClock.wallMs();
  const from = parsePosition(options.from, nowMs);
  if (from === undefined || from.kind === "latest") {
    return `--from ${options.from}: write ${POSITION_HELP}; nothing comes after latest`;
  }
  const to = parsePosition(options.to, nowMs);
  if (to === undefined || to.kind === "earliest") {
    return `--to ${options.to}: write end, an offset, or @time`;
  }
  return { from: point(from) ?? "earliest", to: point(to) ?? "end" };
}

/** Runs `strata replay` and resolves to its exit code. */
export async function runReplay(
  replay: {
    readonly topic: string;
    readonly range: ReplayRange;
    readonly options: ReplayCommandOptions;
  },
  context: CommandContext,
): Promise<number> {
  const { topic, range, options } = replay;
  await useClient(options, async (client) => {
    const records = client.replay({
      topic,
      ...range,
      signal: context.signal,
      ...(options.partition === undefined ? {} : { partitions: [options.partition] }),
    });
    await printRecords(records, options, context);
  });
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}
