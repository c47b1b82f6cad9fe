import { setTimeout as delay } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { CodedError, connect, type Producer, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessCluster } from "./process-cluster.ts";

// What a client holds when the other side is slower than it, or gone. The brokers are processes of
// their own, so that this one's memory is the client's.

const MIB = 1024 * 1024;
const VALUE = new Uint8Array(1024).fill(7);
const RUN_MS = 3_500;

let cluster: ProcessCluster;
let client: Stratalog;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ brokers: 1 });
  client = connect({ brokers: cluster.addresses, requestTimeoutMs: 2_000 });
}, 30_000);

afterAll(async () => {
  await client.close({ timeoutMs: 1_000 }).catch(() => {});
  await cluster[Symbol.asyncDispose]();
});

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

/** Bytes that are in use after a collection: objects, and buffers beside them. */
function usedBytes(): number {
  if (typeof collect === "function") collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Most bytes in use, over what was before, while something goes on. */
async function growthDuring(durationMs: number): Promise<number> {
  const beforeBytes = usedBytes();
  let most = 0;
  const endMs = performance.now() + durationMs;
  while (performance.now() < endMs) {
    await delay(200);
    most = Math.max(most, usedBytes() - beforeBytes);
  }
  return most;
}

/** Sends about 4,000 records of 1 KiB a second until it is told to stop; gives their number. */
async function sendSteadily(producer: Producer, topic: string, stop: AbortSignal): Promise<number> {
  let count = 0;
  const startMs = performance.now();
  while (!stop.aborted) {
    const due = Math.floor((performance.now() - startMs) * 4);
    for (; count < due; count++) await producer.enqueue({ topic, value: VALUE });
    await delay(5);
  }
  await producer.flush();
  return count;
}

describe("the memory of a client", () => {
  it.each(["loop", "run"])(
    "stays small with a consumer ten times slower: %s",
    async (how) => {
      const topic = `slow-${how}`;
      await client.admin().createTopic({ name: topic, partitions: 4 });
      await using producer = client.producer();
      await using consumer = client.consumer({
        group: topic,
        topics: [topic],
        fromBeginning: true,
        bufferBytes: MIB,
      });
      const stop = new AbortController();
      let handled = 0;
      const handle = async (): Promise<void> => {
        handled++;
        // 400 a second.
        if (handled % 10 === 0) await delay(25);
      };
      const reading =
        how === "run"
          ? consumer.run({ handler: handle, concurrency: 1 })
          : (async () => {
              for await (const _ of consumer) await handle();
            })();
      const sending = sendSteadily(producer, topic, stop.signal);
      await delay(1_000);
      const growthBytes = await growthDuring(RUN_MS);
      stop.abort();
      const sent = await sending;
      const lag = sent - handled;
      await consumer.close();
      await reading;
      process.stdout.write(
        `${how}: sent ${sent}, handled ${handled}, grew by ${(growthBytes / MIB).toFixed(1)} MiB\n`,
      );
      expect(sent).toBeGreaterThan(handled * 5);
      // The rest is in the log: many times what the consumer may hold.
      expect(lag * VALUE.length).toBeGreaterThan(12 * MIB);
      expect(growthBytes).toBeLessThan(8 * MIB);
    },
    30_000,
  );

  it("stays small when every broker is gone, and closing takes no longer for it", async () => {
    const topic = "gone";
    await client.admin().createTopic({ name: topic, partitions: 4 });
    const maxBufferBytes = 4 * MIB;
    const producer = client.producer({ maxBufferBytes, maxBlockMs: 300 });
    const consumer = client.consumer({ group: topic, topics: [topic], fromBeginning: true });
    await producer.send({ topic, value: VALUE });
    let handled = 0;
    const running = consumer.run({ handler: () => void handled++, concurrency: 4 });
    while (handled === 0) await delay(20);
    await cluster.broker(1).kill();
    const stop = new AbortController();
    let refused = 0;
    const sending = (async () => {
      while (!stop.signal.aborted) {
        try {
          await producer.enqueue({ topic, value: VALUE });
        } catch (error) {
          expect(CodedError.from(error).code).toBe("BUFFER_FULL");
          refused++;
        }
      }
    })();
    const growthBytes = await growthDuring(RUN_MS);
    process.stdout.write(`no broker: grew by ${(growthBytes / MIB).toFixed(1)} MiB\n`);
    stop.abort();
    await sending;
    expect(refused).toBeGreaterThan(2);
    expect(producer.bufferedBytes).toBeLessThanOrEqual(maxBufferBytes + MIB);
    expect(growthBytes).toBeLessThan(3 * maxBufferBytes);
    const startMs = performance.now();
    await Promise.allSettled([
      consumer.close({ timeoutMs: 500 }),
      producer.close({ timeoutMs: 500 }),
      running,
    ]);
    expect(performance.now() - startMs).toBeLessThan(2_000);
  }, 30_000);
});
