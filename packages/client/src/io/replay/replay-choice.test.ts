// What a replay reads: keys, places by partition, partitions that came a moment ago; and how far it
// says it is.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { FakePartition } from "../../testing/fake-partition.ts";
import { FakeCluster } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";
import type { ReplayProgress } from "./replay-progress.ts";

let cluster: FakeCluster;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("orders", 3);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

/** Record i goes to partition i % 3 under the key `k<i % 5>`. */
async function fill(count: number): Promise<void> {
  const producer = log.producer({ maxBatchBytes: 300 });
  for (let index = 0; index < count; index++) {
    await producer.enqueue({
      topic: "orders",
      partition: index % 3,
      key: `k${index % 5}`,
      value: `${index}`,
    });
  }
  await producer.close();
}

async function collect(
  options: Omit<Parameters<Stratalog["replay"]>[0], "topic" | "key" | "value">,
): Promise<readonly string[]> {
  const seen: string[] = [];
  for await (const record of log.replay({ topic: "orders", ...options })) {
    seen.push(record.text() ?? "");
  }
  return seen.toSorted((a, b) => Number(a) - Number(b));
}

const every = (count: number, is: (index: number) => boolean): readonly string[] =>
  Array.from({ length: count }, (_, index) => index)
    .filter(is)
    .map(String);

describe("a replay", () => {
  test("of some keys finds them wherever their producers put them", async () => {
    await fill(150);
    const keys = ["k1", new TextEncoder().encode("k4")];
    expect(await collect({ keys })).toEqual(every(150, (index) => [1, 4].includes(index % 5)));
    expect(await collect({ keys: ["none"] })).toEqual([]);
    let count = 0;
    for await (const batch of log.replay({ topic: "orders", keys }).batches()) {
      for (const record of batch) count += record.keyText() === "k2" ? 1_000 : 1;
    }
    expect(count).toBe(60);
  });

  test("begins and ends where each partition was told to", async () => {
    await fill(30);
    const from = { offsets: { 0: 8n, 2: 9 } };
    const to = { offsets: { 1: 2 } };
    expect(await collect({ from, to })).toEqual(["1", "4", "24", "27", "29"]);
  });

  test("reads a partition twice for nobody", async () => {
    await fill(6);
    expect(await collect({ partitions: [1, 1] })).toEqual(["1", "4"]);
  });

  test("knows the partitions that came since the client last asked", async () => {
    await fill(3);
    expect(await collect({})).toHaveLength(3);
    cluster.topics.get("orders")?.push(new FakePartition(2));
    cluster.version++;
    await using other = connect({ brokers: cluster.addresses });
    await other.producer().send({ topic: "orders", partition: 3, value: "3" });
    expect(await collect({})).toEqual(["0", "1", "2", "3"]);
  });

  test("says how far it is, and goes on from there", async () => {
    await fill(90);
    const told: ReplayProgress[] = [];
    const onProgress = (progress: ReplayProgress): number => told.push(progress);
    const replay = log.replay({ topic: "orders", onProgress, progressIntervalMs: 0 });
    expect(replay.progress).toMatchObject({ total: 0n, fraction: 1 });
    let seen = 0;
    for await (const _ of replay) if (++seen === 45) break;
    const { done, total, partitions } = replay.progress;
    expect(total).toBe(90n);
    expect(done).toBeLessThanOrEqual(45n);
    expect(told[0]).toMatchObject({ done: 0n, total: 90n, fraction: 0 });
    const offsets = Object.fromEntries(partitions.map((each) => [each.partition, each.position]));
    expect(await collect({ from: { offsets }, onProgress })).toHaveLength(90 - Number(done));
    expect(told.at(-1)).toMatchObject({ total: 90n - done, fraction: 1 });
  });
});
