import type { Stratalog } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { startTestCluster } from "./test-cluster.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe("a cluster with a virtual clock", () => {
  it("stamps records with its time and lets them go when their time is over", async () => {
    await using cluster = await startTestCluster({ clock: "virtual" });
    await using log = cluster.connect();
    const config = { "segment.ms": String(DAY_MS), "retention.ms": String(7 * DAY_MS) };
    await log.admin().createTopic({ name: "orders", partitions: 1, config });
    const producer = log.producer();
    await producer.send({ topic: "orders", value: "first" });
    await cluster.advance(2 * DAY_MS);
    const sentMs = cluster.now();
    // It is the first of a new segment, so that the one before has ended.
    await producer.send({ topic: "orders", value: "second" });
    const [first, second] = await recordsOf(log);
    expect(second?.timestamp).toBeGreaterThanOrEqual(sentMs);
    expect((second?.timestamp ?? 0) - (first?.timestamp ?? 0)).toBeGreaterThanOrEqual(2 * DAY_MS);
    await cluster.advance(6 * DAY_MS);
    expect(await recordsOf(log)).toMatchObject([{ value: "first" }, { value: "second" }]);
    await cluster.advance(2 * DAY_MS);
    await expect.poll(() => recordsOf(log)).toMatchObject([{ value: "second" }]);
  });

  it("puts out a member that was silent for its session timeout, which joins again", async () => {
    await using cluster = await startTestCluster({ clock: "virtual" });
    await using log = cluster.connect();
    await log.admin().createTopic({ name: "orders", partitions: 1 });
    const producer = log.producer();
    const consumer = log.consumer({
      group: "billing",
      topics: ["orders"],
      fromBeginning: true,
    });
    const events: string[] = [];
    consumer.on("assigned", () => void events.push("assigned"));
    consumer.on("revoked", (_partitions, reason) => void events.push(reason));
    const records = consumer[Symbol.asyncIterator]();
    await producer.send({ topic: "orders", value: "first" });
    await records.next();
    const atFirst = (await log.admin().describeGroup("billing")).groupEpoch;
    await cluster.advance(30_000);
    expect((await log.admin().describeGroup("billing")).groupEpoch).toBe(atFirst);
    await cluster.advance(MINUTE_MS);
    // The loop had not passed it when its member was put out.
    expect((await records.next()).value?.text()).toBe("first");
    expect(events).toEqual(["assigned", "lost", "assigned"]);
    expect((await log.admin().describeGroup("billing")).groupEpoch).toBeGreaterThan(atFirst);
  });

  it("forgets the offsets of a group that nobody used for a week", async () => {
    await using cluster = await startTestCluster({ clock: "virtual" });
    await using log = cluster.connect();
    const admin = log.admin();
    await admin.createTopic({ name: "orders", partitions: 1 });
    await log.producer().send({ topic: "orders", value: "first" });
    await admin.commitOffsets("billing", [{ topic: "orders", partition: 0, offset: 1n }]);
    await cluster.advance(6.9 * DAY_MS);
    expect((await admin.listGroups()).map(({ groupId }) => groupId)).toEqual(["billing"]);
    await cluster.advance(DAY_MS);
    await expect.poll(() => admin.listGroups()).toEqual([]);
  });

  it("moves neither elections nor connections nor clients", async () => {
    await using cluster = await startTestCluster({ brokers: 3, clock: "virtual" });
    await using log = cluster.connect({ requestTimeoutMs: 10_000 });
    await log.admin().createTopic({ name: "orders", partitions: 3 });
    const producer = log.producer();
    for (const partition of [0, 1, 2]) {
      await producer.send({ topic: "orders", partition, value: "sent before" });
    }
    const leaders = (await log.admin().describeTopic("orders")).partitions;
    const sent = Array.from({ length: 30 }, (_, index) =>
      producer.send({ topic: "orders", key: `${index}`, value: "sent meanwhile" }),
    );
    await cluster.advance(365 * DAY_MS);
    await Promise.all(sent);
    expect(await recordsOf(log)).toHaveLength(33);
    expect((await log.admin().describeTopic("orders")).partitions).toEqual(leaders);
  });

  it("is refused what only a virtual clock can do when its clock is the machine's", async () => {
    await using cluster = await startTestCluster();
    await expect(cluster.advance(1)).rejects.toThrow(RangeError);
    expect(Math.abs(cluster.now() - Date.now())).toBeLessThan(1_000);
  });
});

interface Read {
  readonly value: string | undefined;
  readonly timestamp: number;
}

async function recordsOf(log: Stratalog): Promise<Read[]> {
  const read: Read[] = [];
  for await (const record of log.replay({ topic: "orders" })) {
    read.push({ value: record.text() ?? undefined, timestamp: record.timestamp });
  }
  return read;
}
