import { machineClock } from "@stratalog/base";
import type { ReplayOptions, ReplayPoint, Stratalog } from "@stratalog/client";
import { useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { ReplayCommandOptions } from "../commands/replay-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { POSITION_HELP, type Position, parsePosition } from "./position.ts";
import { printRecords } from "./print-records.ts";
import { startOffsets } from "./start-offsets.ts";

/** From where to where, as it was asked for. */
export interface ReplayRange {
  readonly from: Position;
  readonly to: "end" | ReplayPoint;
}

/** Reads `--from` and `--to`, or says what is wrong with them. */
export function parseReplay(options: ReplayCommandOptions): ReplayRange | string {
  const nowMs = machineClock.wallMs();
  const from = parsePosition(options.from, nowMs);
  if (from === undefined || from.kind === "latest") {
    return `--from ${options.from}: write ${POSITION_HELP}; nothing comes after end`;
  }
  const to = parsePosition(options.to, nowMs);
  if (to?.kind === "latest") return { from, to: "end" };
  if (to?.kind === "offset" || to?.kind === "time") return { from, to: pointOf(to) };
  return `--to ${options.to}: write end, an offset, or @time`;
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
  const { options } = replay;
  await useClient(options, async (client) => {
    let left = options.max ?? Number.POSITIVE_INFINITY;
    for (const part of await partsOf(client, replay)) {
      const { signal } = context;
      const records = client.replay({ topic: replay.topic, to: replay.range.to, ...part, signal });
      const limit = Number.isFinite(left) ? { max: left } : {};
      left -= await printRecords(records, { ...options, ...limit }, context);
      if (left === 0 || context.signal.aborted) break;
    }
  });
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

type Part = Pick<ReplayOptions, "from" | "partitions">;

/** One replay of everything, or one for each partition when each begins somewhere else. */
async function partsOf(
  client: Stratalog,
  replay: { topic: string; range: ReplayRange; options: ReplayCommandOptions },
): Promise<readonly Part[]> {
  const { partition } = replay.options;
  const { from } = replay.range;
  if (from.kind === "last") {
    const found = await startOffsets(client.admin(), replay.topic, from);
    return found
      .filter((each) => partition === undefined || each.partition === partition)
      .map((each) => ({ partitions: [each.partition], from: { offset: each.offset } }));
  }
  const place = from.kind === "offset" || from.kind === "time" ? pointOf(from) : "earliest";
  return [{ from: place, ...(partition === undefined ? {} : { partitions: [partition] }) }];
}

type Place = Extract<Position, { kind: "offset" | "time" }>;

function pointOf(place: Place): ReplayPoint {
  return place.kind === "offset" ? { offset: place.offset } : { timestamp: place.timestampMs };
}
