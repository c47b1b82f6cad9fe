import { machineClock } from "@stratalog/base";
import type { ConsumerOptions, Stratalog } from "@stratalog/client";
import { useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import type { ConsumeCommandOptions } from "../commands/consume-command.ts";
import { EXIT } from "../output/exit-codes.ts";
import { POSITION_HELP, type Position, parsePosition } from "./position.ts";
import { printRecords } from "./print-records.ts";
import { startOffsets } from "./start-offsets.ts";

/** Reads `--from`, or says what is wrong with it. */
export function parseStart(options: ConsumeCommandOptions): Position | string {
  const start = parsePosition(options.from, machineClock.wallMs());
  if (start === undefined) return `--from ${options.from}: write ${POSITION_HELP}`;
  if (options.group !== undefined && start.kind !== "earliest" && start.kind !== "latest") {
    return `--from ${options.from}: a group begins at its committed offsets, else start or end`;
  }
  return start;
}

/** Runs `strata consume` until `max` records or Ctrl-C; resolves to its exit code. */
export async function runConsume(
  consume: {
    readonly topic: string;
    readonly start: Position;
    readonly options: ConsumeCommandOptions;
  },
  context: CommandContext,
): Promise<number> {
  const { topic, start, options } = consume;
  await useClient(options, async (client) => {
    const wanted =
      options.group === undefined
        ? await aloneFrom(client, topic, start)
        : inGroup(options.group, topic, start);
    const consumer = client.consumer(wanted);
    // The loop may wait for a record that never comes; closing ends it.
    const onAbort = (): void => void consumer.close();
    context.signal.addEventListener("abort", onAbort, { once: true });
    try {
      await printRecords(consumer, options, context);
      // The last record is printed, so it is done, though the loop did not ask for one after it.
      if (options.group !== undefined && !context.signal.aborted) await consumer.commit();
    } finally {
      await consumer.close();
    }
  });
  // Without --max, Ctrl-C is the way to end; with it, the command is not done.
  const isCutShort = context.signal.aborted && options.max !== undefined;
  return isCutShort ? EXIT.interrupted : EXIT.ok;
}

function inGroup(group: string, topic: string, start: Position): ConsumerOptions {
  const autoOffsetReset = start.kind === "earliest" ? "earliest" : "latest";
  return { group, topics: [topic], autoOffsetReset };
}

/** Every partition of the topic, from the place that was asked for. */
async function aloneFrom(
  client: Stratalog,
  topic: string,
  start: Position,
): Promise<ConsumerOptions> {
  const found = await startOffsets(client.admin(), topic, start);
  return { assign: found.map(({ partition, offset }) => ({ topic, partition, offset })) };
}
