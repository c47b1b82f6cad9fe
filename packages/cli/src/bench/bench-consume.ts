import { machineClock } from "@stratalog/base";
import type { BenchConsumeOptions } from "../commands/bench-command.ts";
import { printFacts, useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { formatCount } from "../output/figures.ts";

const PROGRESS_EVERY = 50_000;

/** Runs `strata bench consume` and resolves to its exit code. */
export async function benchConsume(
  topic: string,
  options: BenchConsumeOptions,
  context: CommandContext,
): Promise<number> {
  await useClient(options, async (client) => {
    const startMs = machineClock.monotonicMs();
    let firstMs: number | undefined;
    let count = 0;
    let sizeBytes = 0;
    for await (const { key, value } of client.replay({ topic, signal: context.signal })) {
      firstMs ??= machineClock.monotonicMs() - startMs;
      count += 1;
      sizeBytes += (key?.byteLength ?? 0) + (value?.byteLength ?? 0);
      if (count === options.max) break;
      if (count % PROGRESS_EVERY === 0) context.output.progress(`${formatCount(count)} records`);
    }
    const elapsedSeconds = (machineClock.monotonicMs() - startMs) / 1000;
    const recordsPerSecond = count / elapsedSeconds;
    await printFacts(context, options, {
      json: {
        records: count,
        sizeBytes,
        elapsedSeconds,
        recordsPerSecond,
        bytesPerSecond: sizeBytes / elapsedSeconds,
        firstRecordMs: firstMs ?? null,
      },
      headings: ["records", "seconds", "records/s", "MB/s", "first record ms"],
      rows: [
        [
          formatCount(count),
          elapsedSeconds.toFixed(2),
          formatCount(recordsPerSecond),
          (sizeBytes / 1e6 / elapsedSeconds).toFixed(1),
          firstMs === undefined ? "-" : firstMs.toFixed(1),
        ],
      ],
    });
  });
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}
