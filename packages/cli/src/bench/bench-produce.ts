import { machineClock } from "@stratalog/base";
import type { Producer } from "@stratalog/client";
import type { BenchProduceOptions } from "../commands/bench-command.ts";
import { printFacts, useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { formatCount, progressBar } from "../output/figures.ts";
import { benchValue, withBenchTopic } from "./bench-topic.ts";
import { LatencyRecorder, latencyCells } from "./latency-figures.ts";

const KEY_COUNT = 10_000;
/** Every so many records one is timed: timing each would measure the timing. */
const SAMPLE_EVERY = 101;
const PROGRESS_EVERY = 10_000;

/** Runs `strata bench produce` and resolves to its exit code. */
export async function benchProduce(
  options: BenchProduceOptions,
  context: CommandContext,
): Promise<number> {
  await useClient(options, (client) =>
    withBenchTopic(client, options, async (topic) => {
      const producer = client.producer({ compression: options.compression });
      try {
        // Opens connections and compiles code.
        await producer.send({ topic, value: benchValue(options.size) });
        await measure(producer, { ...options, topic }, context);
      } finally {
        await producer.close();
      }
    }),
  );
  return context.signal.aborted ? EXIT.interrupted : EXIT.ok;
}

async function measure(
  producer: Producer,
  options: BenchProduceOptions & { readonly topic: string },
  context: CommandContext,
): Promise<void> {
  const { topic, records, size } = options;
  const value = benchValue(size);
  const keys = Array.from({ length: KEY_COUNT }, (_, number) => `key-${number}`);
  const latencies = new LatencyRecorder();
  const failures: unknown[] = [];
  const startMs = machineClock.monotonicMs();
  let sent = 0;
  for (; sent < records && !context.signal.aborted && failures.length === 0; sent++) {
    const record = { topic, key: keys[sent % KEY_COUNT], value };
    if (sent % SAMPLE_EVERY === 0) {
      const beganMs = machineClock.monotonicMs();
      producer.send(record).then(
        () => latencies.record(machineClock.monotonicMs() - beganMs),
        (error: unknown) => failures.push(error),
      );
      continue;
    }
    const room = producer.enqueue(record);
    if (room !== undefined) await room;
    if (sent % PROGRESS_EVERY === 0) context.output.progress(progressBar(sent, records));
  }
  await producer.flush();
  if (failures.length > 0) throw failures[0];
  const elapsedSeconds = (machineClock.monotonicMs() - startMs) / 1000;
  const recordsPerSecond = sent / elapsedSeconds;
  const acknowledgement = latencies.figures();
  await printFacts(context, options, {
    json: {
      records: sent,
      sizeBytes: size,
      elapsedSeconds,
      recordsPerSecond,
      bytesPerSecond: recordsPerSecond * size,
      acknowledgement,
    },
    headings: ["records", "seconds", "records/s", "MB/s", "ack p50 ms", "p90", "p99", "max"],
    rows: [
      [
        formatCount(sent),
        elapsedSeconds.toFixed(2),
        formatCount(recordsPerSecond),
        ((recordsPerSecond * size) / 1e6).toFixed(1),
        ...latencyCells(acknowledgement),
      ],
    ],
  });
}
