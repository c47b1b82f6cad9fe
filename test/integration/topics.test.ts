import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessCluster } from "./process-cluster.ts";

// Topics over their life, on one broker process with small segments.

let cluster: ProcessCluster;
let client: Stratalog;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ brokers: 1 });
  client = connect({ brokers: cluster.addresses });
}, 30_000);

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

async function fill(topic: string, count: number): Promise<void> {
  const producer = client.producer();
  const value = "x".repeat(1_000);
  const records = Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value }));
  await producer.sendBatch({ topic, records });
  await producer.close();
}

async function countOf(topic: string): Promise<number> {
  let count = 0;
  for await (const _ of client.replay({ topic })) count++;
  return count;
}

/** Asks again until it is so, within a bound. */
async function eventually(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await isSo()) return;
    await delay(20);
  }
  throw new Error("not within ten seconds");
}

const groupDirectories = (): Promise<string[]> =>
  readdir(join(cluster.broker(1).plan.directory, "data", "groups"));

describe("a topic", () => {
  it("grows by partitions, and keeps what it has", async () => {
    await client.admin().createTopic({ name: "growing", partitions: 1 });
    await fill("growing", 20);
    await client.admin().addPartitions("growing", 4);
    await fill("growing", 20);
    const { partitions } = await client.admin().describeTopic("growing");
    expect(partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    expect(await countOf("growing")).toBe(40);
  });

  it("takes its files with it when it is deleted, and begins at 0 when it is made again", async () => {
    const before = await groupDirectories();
    await client.admin().createTopic({ name: "short-lived", partitions: 3 });
    await fill("short-lived", 30);
    expect((await groupDirectories()).length).toBe(before.length + 3);
    await client.admin().deleteTopic("short-lived");
    await eventually(async () => (await groupDirectories()).length === before.length);
    await client.admin().createTopic({ name: "short-lived", partitions: 1 });
    await using fresh = connect({ brokers: cluster.addresses });
    const { offset } = await fresh.producer().send({ topic: "short-lived", value: "first" });
    expect(offset).toBe(0n);
  });

  it("forgets its oldest records beyond retention.bytes, and never those that fit", async () => {
    const config = { "segment.bytes": "65536" };
    await client.admin().createTopic({ name: "bounded", partitions: 1, config });
    for (let round = 0; round < 10; round++) await fill("bounded", 40);
    const earliest = async (): Promise<bigint> => {
      const [first] = await client.admin().listOffsets({ topic: "bounded", at: "earliest" });
      return first?.offset ?? -1n;
    };
    expect(await earliest()).toBe(0n);
    await client.admin().alterConfig("bounded", { set: { "retention.bytes": "150000" } });
    await eventually(async () => (await earliest()) > 0n);
    const first = Number(await earliest());
    const left = await countOf("bounded");
    expect(first + left).toBe(400);
    expect(left * 1_000).toBeGreaterThan(140_000);
    expect(left * 1_000).toBeLessThan(150_000 + 2 * 65_536);
    await cluster.broker(1).kill();
    await cluster.broker(1).start();
    expect(Number(await earliest())).toBe(first);
  }, 30_000);
});
