import { machineClock, machineTimers, sleep } from "@stratalog/base";
import type { Consumer, Producer, Stratalog } from "@stratalog/client";
import type { BenchLatencyOptions } from "../commands/bench-command.ts";
import { printFacts, useClient } from "../commands/client-command.ts";
import type { CommandContext } from "../commands/command-context.ts";
import { EXIT } from "../output/exit-codes.ts";
import { progressBar } from "../output/figures.ts";
import { benchValue, withBenchTopic } from "./bench-topic.ts";
import { LatencyRecorder, latencyCells } from "./latency-figures.ts";

/** How long to wait for records that are acknowledged but not delivered yet. */
const DELIVERY_GRACE_MS = 5_000;
const MS = 1000;

/** Runs `strata bench latency` and resolves to its exit code. */
export async function benchLatency(
  options: BenchLatencyOptions,
  context: CommandContext,
): Promise<number> {
  const isComplete = await useClient(options, (client) =>
    withBenchTopic(client, options, (topic) => measure(client, { ...options, topic }, context)),
  );
  if (context.signal.aborted) return EXIT.interrupted;
  return isComplete ? EXIT.ok : EXIT.error;
}

async function measure(
  client: Stratalog,
  options: BenchLatencyOptions & { readonly topic: string },
  context: CommandContext,
): Promise<boolean> {
  const { topic } = options;
  const ends = await client.admin().listOffsets({ topic, at: "latest" });
  const assign = ends.map(({ partition, offset }) => ({ topic, partition, offset }));
  const consumer = client.consumer({ assign });
  const producer = client.producer();
  const delivered = new LatencyRecorder();
  const receiving = receive(consumer, delivered);
  try {
    const acknowledged = await send(producer, options, context);
    await drain(delivered, acknowledged.count);
    const missing = acknowledged.count - delivered.count;
    if (missing > 0) context.output.note(`${missing} records were not delivered in time`);
    await report(context, options, { acknowledged, delivered });
    return missing <= 0;
  } finally {
    await producer.close();
    await consumer.close();
    await receiving;
  }
}

/** Sends each record when it is due, whether or not earlier ones are acknowledged. */
async function send(
  producer: Producer,
  options: BenchLatencyOptions & { readonly topic: string },
  context: CommandContext,
): Promise<LatencyRecorder> {
  const { topic, rate, seconds, size } = options;
  const total = rate * seconds;
  const latencies = new LatencyRecorder();
  const failures: unknown[] = [];
  const startMs = machineClock.monotonicMs();
  let sent = 0;
  while (sent < total && !context.signal.aborted && failures.length === 0) {
    const dueCount = Math.min(total, ((machineClock.monotonicMs() - startMs) * rate) / MS);
    for (; sent < dueCount; sent++) {
      const dueMs = startMs + (sent * MS) / rate;
      const value = benchValue(size);
      new DataView(value.buffer).setFloat64(0, dueMs);
      producer.send({ topic, key: `key-${sent}`, value }).then(
        () => latencies.record(machineClock.monotonicMs() - dueMs),
        (error: unknown) => failures.push(error),
      );
    }
    context.output.progress(progressBar(sent, total));
    await sleep(machineTimers, 1);
  }
  await producer.flush();
  if (failures.length > 0) throw failures[0];
  return latencies;
}

/** Records how old each record is when it arrives; ends when the consumer is closed. */
async function receive(consumer: Consumer, delivered: LatencyRecorder): Promise<void> {
  for await (const { value } of consumer) {
    if (value === null || value.byteLength < Float64Array.BYTES_PER_ELEMENT) continue;
    const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
    delivered.record(machineClock.monotonicMs() - view.getFloat64(0));
  }
}

async function drain(delivered: LatencyRecorder, wanted: number): Promise<void> {
  const limitMs = machineClock.monotonicMs() + DELIVERY_GRACE_MS;
  while (delivered.count < wanted && machineClock.monotonicMs() < limitMs) {
    await sleep(machineTimers, 5);
  }
}

async function report(
  context: CommandContext,
  options: BenchLatencyOptions,
  { acknowledged, delivered }: { acknowledged: LatencyRecorder; delivered: LatencyRecorder },
): Promise<void> {
  const { rate, size } = options;
  await printFacts(context, options, {
    json: {
      records: acknowledged.count,
      recordsPerSecond: rate,
      sizeBytes: size,
      acknowledgement: acknowledged.figures(),
      delivery: delivered.figures(),
    },
    headings: [`ms at ${rate}/s`, "p50", "p90", "p99", "max"],
    rows: [
      ["until acknowledged", ...latencyCells(acknowledged.figures())],
      ["until delivered", ...latencyCells(delivered.figures())],
    ],
  });
}
