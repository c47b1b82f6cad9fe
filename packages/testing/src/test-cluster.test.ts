import { describe, expect, it } from "vitest";
import { startTestCluster } from "./test-cluster.ts";

describe("startTestCluster", () => {
  it("gives a broker that stores and replays, and leaves nothing behind", async () => {
    const cluster = await startTestCluster({ settings: { "num.partitions": 2 } });
    const log = cluster.connect();
    await log.admin().createTopic({ name: "orders" });
    expect((await log.admin().describeTopic("orders")).partitions).toHaveLength(2);
    const producer = log.producer();
    await producer.sendBatch({
      topic: "orders",
      records: ["a", "b", "c"].map((value) => ({ key: value, value })),
    });
    const values: string[] = [];
    for await (const record of log.replay({ topic: "orders" })) values.push(record.text() ?? "");
    expect(values.toSorted()).toEqual(["a", "b", "c"]);
    await log.close();
    await cluster.stop();
    expect(cluster.addresses).toEqual([]);
  });

  it("starts a broker again as soon as its stop is through", async () => {
    await using cluster = await startTestCluster();
    const stopped = cluster.stopBroker(1);
    await cluster.startBroker(1);
    await stopped;
    expect(cluster.brokerIds).toEqual([1]);
  });

  it("stops and starts brokers of a cluster of three while producers go on", async () => {
    await using cluster = await startTestCluster({ brokers: 3 });
    await using log = cluster.connect();
    await log.admin().createTopic({ name: "orders", partitions: 3 });
    const producer = log.producer();
    const before = cluster.addresses;
    for (const id of [1, 2, 3]) {
      await cluster.stopBroker(id);
      expect(cluster.brokerIds).not.toContain(id);
      await producer.send({ topic: "orders", key: `without ${id}`, value: "stored" });
      await cluster.startBroker(id);
    }
    expect(cluster.addresses).toEqual(before);
    let count = 0;
    for await (const _ of log.replay({ topic: "orders" })) count++;
    expect(count).toBe(3);
  }, 60_000);
});
