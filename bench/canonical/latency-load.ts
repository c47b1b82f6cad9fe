import { setTimeout as delay } from "node:timers/promises";
import type { Stratalog } from "@stratalog/client";
import { type Percentiles, percentilesOf } from "./task.ts";

/** What to send and how fast. */
export interface LatencyLoad {
  readonly topic: string;
  readonly valueBytes: number;
  readonly recordsPerSecond: number;
  readonly seconds: number;
}

/** Records before those that count: they compile code and open connections. */
const WARM_SECONDS = 2;
const LAST_RECORDS_MS_MAX = 10_000;
const MARK_BYTES = 16;

/** Where the time of sending stands in a value: before it, whether the record counts. */
interface Mark {
  readonly counts: boolean;
  readonly sentMs: number;
}

/**
 * Sends at a fixed rate, whatever becomes of the records before (an open loop), while a consumer
 * group of this same process reads them. Times are on one clock.
 */
export async function latencyLoad(
  client: Stratalog,
  load: LatencyLoad,
): Promise<{ readonly acknowledgedMs: Percentiles; readonly endToEndMs: Percentiles }> {
  const { topic, recordsPerSecond } = load;
  const warmCount = WARM_SECONDS * recordsPerSecond;
  const recordCount = warmCount + load.seconds * recordsPerSecond;
  const acknowledged: number[] = [];
  const endToEnd: number[] = [];
  await using consumer = client.consumer({
    group: "latency",
    topics: [topic],
    fromBeginning: true,
  });
  const consuming = (async (): Promise<void> => {
    let count = 0;
    for await (const record of consumer) {
      const mark = readMark(record.value);
      if (mark.counts) endToEnd.push(performance.now() - mark.sentMs);
      count++;
      if (count === recordCount) return;
    }
  })();
  await using producer = client.producer();
  const sends: Promise<unknown>[] = [];
  const startMs = performance.now();
  while (sends.length < recordCount) {
    const dueCount = ((performance.now() - startMs) * recordsPerSecond) / 1000;
    while (sends.length < Math.min(dueCount, recordCount)) {
      const mark = { counts: sends.length >= warmCount, sentMs: performance.now() };
      const value = marked(load.valueBytes, mark);
      const sent = producer.send({ topic, key: `key-${sends.length % 10_000}`, value });
      sends.push(
        sent.then(() => {
          if (mark.counts) acknowledged.push(performance.now() - mark.sentMs);
        }),
      );
    }
    await delay(1);
  }
  await Promise.all(sends);
  const late = new AbortController();
  const timeout = delay(LAST_RECORDS_MS_MAX, "late" as const, { signal: late.signal });
  if ((await Promise.race([consuming, timeout])) === "late") {
    throw new Error(`the consumer has ${endToEnd.length} of ${recordCount - warmCount} records`);
  }
  late.abort();
  timeout.catch(() => {});
  return { acknowledgedMs: percentilesOf(acknowledged), endToEndMs: percentilesOf(endToEnd) };
}

function marked(valueBytes: number, { counts, sentMs }: Mark): Uint8Array {
  const value = Buffer.alloc(Math.max(valueBytes, MARK_BYTES));
  value.writeDoubleLE(counts ? 1 : 0);
  value.writeDoubleLE(sentMs, 8);
  return value;
}

function readMark(value: unknown): Mark {
  if (!(value instanceof Uint8Array)) throw new Error("a record without a mark");
  const { buffer, byteOffset, byteLength } = value;
  const view = new DataView(buffer, byteOffset, byteLength);
  return { counts: view.getFloat64(0, true) === 1, sentMs: view.getFloat64(8, true) };
}
