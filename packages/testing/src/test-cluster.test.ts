import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startTestCluster } from "./test-cluster.ts";

/** Where these tests' temporary directories go, so that others' do not count. */
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "stratalog-testing-"));
  vi.stubEnv("TMPDIR", scratch);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(scratch, { recursive: true });
});

describe("startTestCluster", () => {
  it.each(["memory", "directory"] as const)(
    "gives a broker that stores and replays, and leaves nothing behind (%s)",
    async (storage) => {
      const cluster = await startTestCluster({ storage, settings: { "num.partitions": 2 } });
      expect(readdirSync(scratch)).toHaveLength(storage === "memory" ? 0 : 1);
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
      expect(readdirSync(scratch)).toEqual([]);
    },
  );

  it("starts a broker again as soon as its stop is through", async () => {
    await using cluster = await startTestCluster();
    const stopped = cluster.stopBroker(1);
    await cluster.startBroker(1);
    await stopped;
    expect(cluster.brokerIds).toEqual([1]);
    await expect(cluster.startBroker(1)).rejects.toThrow(RangeError);
    await expect(cluster.stopBroker(2)).rejects.toThrow(RangeError);
  });

  it.each(["memory", "directory"] as const)(
    "keeps what a killed broker had acknowledged (%s)",
    async (storage) => {
      await using cluster = await startTestCluster({ storage });
      await using log = cluster.connect();
      await log.admin().createTopic({ name: "orders", partitions: 1 });
      const producer = log.producer();
      for (let round = 0; round < 3; round++) {
        const { offset } = await producer.send({ topic: "orders", value: `${round}` });
        expect(offset).toBe(BigInt(round));
        await cluster.killBroker(1);
        await cluster.startBroker(1);
      }
      const values: string[] = [];
      for await (const record of log.replay({ topic: "orders" })) values.push(record.text() ?? "");
      expect(values).toEqual(["0", "1", "2"]);
    },
    60_000,
  );

  it("stops, kills and starts brokers of a cluster of three while producers go on", async () => {
    await using cluster = await startTestCluster({ brokers: 3 });
    await using log = cluster.connect();
    await log.admin().createTopic({ name: "orders", partitions: 3 });
    const producer = log.producer();
    const before = cluster.addresses;
    for (const id of [1, 2, 3]) {
      if (id === 2) await cluster.killBroker(id);
      else await cluster.stopBroker(id);
      expect(cluster.brokerIds).not.toContain(id);
      await producer.send({ topic: "orders", key: `without ${id}`, value: "stored" });
      await cluster.startBroker(id);
    }
    expect(cluster.addresses).toEqual(before);
    let count = 0;
    for await (const _ of log.replay({ topic: "orders" })) count++;
    expect(count).toBe(3);
  }, 120_000);
});
