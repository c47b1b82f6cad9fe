// The producer against brokers that speak real gRPC on loopback and misbehave on request.
import { decodeBatch } from "@stratalog/record-batch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { json, string } from "../../core/serde.ts";
import { connect } from "../../grpc/connect.ts";
import { type AppendFate, FakeCluster } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";

let cluster: FakeCluster;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("orders", 2);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 10_000 });
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

/** Values stored in a partition, in order. */
function stored(partition: number): readonly string[] {
  return cluster
    .partition("orders", partition)
    .batches.flatMap((batch) => [...decodeBatch(batch)])
    .map((record) => Buffer.from(record.value ?? []).toString());
}

const numbers = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => String(index));

describe("a producer", () => {
  test("resolves with the place of each record", async () => {
    const producer = log.producer();
    const first = await producer.send({ topic: "orders", partition: 1, value: "a" });
    const second = await producer.send({ topic: "orders", partition: 1, value: { b: 1 } });
    expect(first).toEqual({ topic: "orders", partition: 1, offset: 0n });
    expect(second.offset).toBe(1n);
    expect(stored(1)).toEqual(["a", '{"b":1}']);
  });

  test("puts a key where Kafka puts it", async () => {
    const producer = log.producer();
    const results = await producer.sendBatch({
      topic: "orders",
      records: [{ key: "21" }, { key: "foobar" }, { key: "abc" }],
    });
    expect(results.map(({ partition }) => partition)).toEqual([0, 0, 1]);
  });

  test.each<[string, AppendFate]>([
    ["an answer is lost", "store-and-break"],
    ["a connection breaks", "break"],
  ])("stores every record once and in order when %s", async (_name, fate) => {
    let count = 0;
    cluster.fateOf = () => (++count % 4 === 2 ? fate : "store");
    const producer = log.producer({ maxBatchBytes: 400 });
    for (const value of numbers(300))
      await producer.enqueue({ topic: "orders", partition: 0, value });
    await producer.flush();
    expect(stored(0)).toEqual(numbers(300));
    expect(count).toBeGreaterThan(10);
  });

  test("follows the leader, keeping order", async () => {
    const producer = log.producer({ maxBatchBytes: 400 });
    for (const value of numbers(300)) {
      await producer.enqueue({ topic: "orders", partition: 0, value });
      if (Number(value) % 50 === 25) {
        cluster.moveLeader("orders", 0, (Number(value) / 25) % 4 === 1 ? 2 : 1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    await producer.flush();
    expect(stored(0)).toEqual(numbers(300));
  });

  test("finds the new leader when the old one dies", async () => {
    const producer = log.producer({ maxBatchBytes: 400 });
    await producer.send({ topic: "orders", partition: 0, value: "first" });
    await cluster.broker(1).stop();
    cluster.moveLeader("orders", 0, 2);
    const result = await producer.send({ topic: "orders", partition: 0, value: "second" });
    expect(result.offset).toBe(1n);
  });

  test("asks about a leader that does not answer", async () => {
    cluster.fateOf = ({ brokerId }) => (brokerId === 1 ? "store-without-answer" : "store");
    const producer = log.producer();
    const sent = producer.send({ topic: "orders", partition: 0, value: "x" });
    await new Promise((resolve) => setTimeout(resolve, 300));
    cluster.moveLeader("orders", 0, 2);
    expect((await sent).offset).toBe(0n);
    expect(stored(0)).toEqual(["x"]);
  });

  test("asks about a partition that it does not know before it refuses it", async () => {
    const producer = log.producer();
    await producer.send({ topic: "orders", partition: 0, value: "before" });
    cluster.addPartition("orders");
    const { partition } = await producer.send({ topic: "orders", partition: 2, value: "new" });
    expect(partition).toBe(2);
    cluster.addPartition("orders");
    const records = [{ value: "first" }];
    await producer.append({ topic: "orders", partition: 3, records, expectedOffset: 0n });
    expect([stored(2), stored(3)]).toEqual([["new"], ["first"]]);
    for (const unknown of [4, -1, 0.5]) {
      await expect(
        producer.send({ topic: "orders", partition: unknown, value: "nowhere" }),
      ).rejects.toMatchObject({
        code: "UNKNOWN_TOPIC_OR_PARTITION",
        message: expect.stringContaining("partitions 0 to 3"),
      });
    }
  });

  test("gives up a record that the broker refuses, and goes on with the rest", async () => {
    const producer = log.producer();
    const huge = producer.send({ topic: "orders", partition: 0, value: new Uint8Array(2 << 20) });
    const next = producer.send({ topic: "orders", partition: 0, value: "next" });
    await expect(huge).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    expect((await next).offset).toBe(0n);
    expect((await producer.send({ topic: "orders", partition: 0, value: "last" })).offset).toBe(1n);
  });

  test("holds no more than its memory, and says so", async () => {
    cluster.fateOf = () => "drop";
    const producer = log.producer({ maxBufferBytes: 10_000, maxBlockMs: 200 });
    const value = new Uint8Array(1000);
    await producer.enqueue({ topic: "orders", partition: 0, value });
    await new Promise((resolve) => setImmediate(resolve));
    let room: void | Promise<void> = undefined;
    let count = 0;
    for (; room === undefined && count < 100; count++) {
      room = producer.enqueue({ topic: "orders", partition: 0, value });
    }
    expect(count).toBeLessThan(12);
    await expect(room).rejects.toMatchObject({ code: "BUFFER_FULL" });
    expect(producer.bufferedBytes).toBeLessThan(12_000);
  });

  test("flush rejects with the first failure of records that nobody waits for", async () => {
    const producer = log.producer();
    await producer.enqueue({ topic: "orders", partition: 0, value: new Uint8Array(2 << 20) });
    await expect(producer.flush()).rejects.toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    await producer.flush();
    expect(stored(0)).toEqual([]);
  });

  test("gives up after the delivery timeout", async () => {
    cluster.fateOf = () => "break";
    const producer = log.producer({ deliveryTimeoutMs: 600 });
    await expect(
      producer.send({ topic: "orders", partition: 0, value: "x" }),
    ).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
  });

  test.each(["gzip", "zstd"] as const)("compresses with %s", async (compression) => {
    const producer = log.producer({ compression });
    for (const value of numbers(2000)) {
      await producer.enqueue({ topic: "orders", partition: 0, value: value.padStart(50, "0") });
    }
    await producer.flush();
    expect(stored(0).map(Number)).toEqual(numbers(2000).map(Number));
    const bytes = cluster.partition("orders", 0).batches.reduce((sum, b) => sum + b.length, 0);
    expect(bytes).toBeLessThan(50_000);
  });

  test("appends only where the partition ends", async () => {
    const producer = log.producer();
    const append = (value: string, expectedOffset: bigint) =>
      producer.append({ topic: "orders", partition: 0, records: [{ value }], expectedOffset });
    expect((await append("a", 0n)).offset).toBe(0n);
    await expect(append("b", 5n)).rejects.toMatchObject({ code: "WRONG_EXPECTED_OFFSET" });
    expect((await append("c", 1n)).offset).toBe(1n);
    cluster.fateOf = () => {
      cluster.fateOf = () => "store";
      return "store-and-break";
    };
    expect((await append("d", 2n)).offset).toBe(2n);
    expect(stored(0)).toEqual(["a", "c", "d"]);
  });

  test("waits for more records as long as it is told, and flush does not", async () => {
    const producer = log.producer({ lingerMs: 150 });
    await producer.send({ topic: "orders", partition: 0, value: "warm" });
    const startMs = performance.now();
    await producer.send({ topic: "orders", partition: 0, value: "lingers" });
    expect(performance.now() - startMs).toBeGreaterThan(120);
    await producer.enqueue({ topic: "orders", partition: 0, value: "flushed" });
    const flushMs = performance.now();
    await producer.flush();
    expect(performance.now() - flushMs).toBeLessThan(120);
    expect(stored(0)).toEqual(["warm", "lingers", "flushed"]);
  });

  test("gives records up for a topic that was deleted", async () => {
    const producer = log.producer();
    await producer.send({ topic: "orders", partition: 0, value: "x" });
    cluster.topics.delete("orders");
    cluster.version++;
    await expect(
      producer.send({ topic: "orders", partition: 0, value: "y" }),
    ).rejects.toMatchObject({ code: "UNKNOWN_TOPIC_OR_PARTITION" });
  });

  test("writes texts of any length and script", async () => {
    const producer = log.producer();
    const texts = ["", "a", "ä€😀".repeat(60), "x".repeat(70_000), "\ud800", "€".repeat(20_000)];
    const records = texts.flatMap((text) => [{ partition: 0, key: text, value: text }]);
    await producer.sendBatch({ topic: "orders", records });
    expect(stored(0)).toEqual(texts.map((text) => Buffer.from(text).toString()));
  });

  test("serializes as told", async () => {
    const producer = log.producer({ key: string, value: json<{ n: number }>() });
    await producer.send({ topic: "orders", partition: 0, key: "k", value: { n: 1 } });
    await producer.send({ topic: "orders", partition: 0, key: null, value: null });
    expect(stored(0)).toEqual(['{"n":1}', ""]);
    const circular: { n: number; self?: unknown } = { n: 1 };
    circular.self = circular;
    await expect(
      producer.send({ topic: "orders", partition: 0, value: circular }),
    ).rejects.toMatchObject({ code: "SERDE_FAILED" });
  });

  test("refuses idempotence without acks all", () => {
    expect(() => log.producer({ idempotent: true, acks: "leader" })).toThrow("acks");
  });

  test("names an unknown topic", async () => {
    const quick = connect({ brokers: cluster.addresses, requestTimeoutMs: 300 });
    await expect(quick.producer().send({ topic: "nope", value: "x" })).rejects.toMatchObject({
      code: "UNKNOWN_TOPIC_OR_PARTITION",
    });
    await quick.close();
  });

  test("close is bounded when no broker answers", async () => {
    const producer = log.producer();
    await producer.send({ topic: "orders", partition: 0, value: "x" });
    await cluster.stop();
    const lost = producer.send({ topic: "orders", partition: 0, value: "y" });
    lost.catch(() => {});
    const startMs = performance.now();
    await producer.close({ timeoutMs: 300 });
    expect(performance.now() - startMs).toBeLessThan(2_000);
    await expect(lost).rejects.toMatchObject({ code: "CLOSED" });
    expect(() => producer.enqueue({ topic: "orders", value: "z" })).toThrow("closed");
  });

  test("a signal ends a wait", async () => {
    cluster.fateOf = () => "drop";
    const signal = AbortSignal.timeout(100);
    await expect(
      log.producer().send({ topic: "orders", value: "x" }, { signal }),
    ).rejects.toMatchObject({ code: "ABORTED" });
  });
});

test("a client that points at nothing says so in bounded time", async () => {
  const nowhere = connect({ brokers: ["127.0.0.1:1", "127.0.0.1:2"], requestTimeoutMs: 1_000 });
  await expect(nowhere.admin().listTopics()).rejects.toMatchObject({
    code: "BROKER_NOT_AVAILABLE",
    message: expect.stringMatching(/127\.0\.0\.1:1 \(ECONNREFUSED\), 127\.0\.0\.1:2/),
  });
  await nowhere.close();
});
