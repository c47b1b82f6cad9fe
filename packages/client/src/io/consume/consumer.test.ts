// Consumers against brokers and a coordinator that speak real gRPC on loopback.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { FakeOrders, take, until } from "../../testing/index.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

describe("a consumer", () => {
  test("leaves a leader that answers nothing and leads no more", async () => {
    await orders.fillEvenly(40);
    const assign = [{ topic: "orders", partition: 0, offset: 0 }];
    const consumer = orders.log.consumer({ assign });
    expect((await take(consumer, 10)).length).toBe(10);
    consumer.pass();
    orders.cluster.broker(1).isMute = true;
    orders.cluster.moveLeader("orders", 0, 2);
    const startMs = performance.now();
    const reading = take(consumer, 1);
    await orders.log.producer().send({ topic: "orders", partition: 0, value: "99" });
    expect(await reading).toEqual([99]);
    expect(performance.now() - startMs).toBeLessThan(6_000);
  });

  test("reads the partitions that it is told to, from where it is told", async () => {
    await orders.fillEvenly(400);
    const consumer = orders.log.consumer({
      assign: [
        { topic: "orders", partition: 1, offset: 90n },
        { topic: "orders", partition: 2, offset: "latest" },
      ],
    });
    expect(await take(consumer, 10)).toEqual([361, 365, 369, 373, 377, 381, 385, 389, 393, 397]);
    await expect(consumer.commit()).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  test("goes to a time, to the beginning and to the end", async () => {
    const producer = orders.log.producer();
    for (const value of [0, 1, 2, 3]) {
      const timestamp = 1_000 + value * 100;
      await producer.send({ topic: "orders", partition: 0, value: String(value), timestamp });
    }
    const offset = { timestamp: new Date(1_150) };
    const consumer = orders.log.consumer({ assign: [{ topic: "orders", partition: 0, offset }] });
    expect(await take(consumer, 2)).toEqual([2, 3]);
    await consumer.seekTo("earliest");
    expect(await take(consumer, 1)).toEqual([0]);
    await consumer.seekTo({ timestamp: 1_100 }, consumer.assignment);
    expect(await take(consumer, 1)).toEqual([1]);
    await consumer.seekTo("latest");
    expect(consumer.positions[0]?.offset).toBe(4n);
  });

  test("goes where it is sent, and stops where it is paused", async () => {
    await orders.fillEvenly(400);
    const consumer = orders.log.consumer({
      assign: [
        { topic: "orders", partition: 0, offset: "earliest" },
        { topic: "orders", partition: 1, offset: 0 },
      ],
    });
    const seen: string[] = [];
    for await (const record of consumer) {
      seen.push(`${record.partition}/${record.offset}`);
      if (record.partition === 0 && record.offset === 99n) break;
      if (seen.length === 1) {
        consumer.pause([{ topic: "orders", partition: 0 }]);
        consumer.seek({ topic: "orders", partition: 1, offset: 97n });
      }
      if (seen.length === 4) consumer.resume();
    }
    expect(seen.slice(1, 4)).toEqual(["1/97", "1/98", "1/99"]);
    expect(seen.filter((each) => each.startsWith("0/"))).toHaveLength(100);
    expect(new Set(seen).size).toBe(seen.length);
  });

  test("resets as told when its offset is gone", async () => {
    await orders.fillEvenly(400);
    orders.cluster.partition("orders", 0).start = 50;
    const assign = [{ topic: "orders", partition: 0, offset: 10 }];
    const lenient = orders.log.consumer({ assign, autoOffsetReset: "earliest" });
    expect((await take(lenient, 1)).length).toBe(1);
    expect(lenient.positions[0]?.offset).toBe(51n);
    const strict = orders.log.consumer({ assign, autoOffsetReset: "none" });
    await expect(take(strict, 1)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("close ends a loop that waits, in bounded time, when no broker is left", async () => {
    await orders.fillEvenly(4);
    const consumer = orders.member();
    const loop = take(consumer, 5);
    await until(
      () => consumer.positions.every(({ lag }) => lag === 0n) && orders.storedCount === 4,
    );
    await orders.cluster.stop();
    const startMs = performance.now();
    await consumer.close({ timeoutMs: 300 });
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect((await loop).length).toBe(4);
  });

  test("tries again in the next loop when it could not begin", async () => {
    const lone = connect({ brokers: orders.cluster.addresses, requestTimeoutMs: 300 });
    orders.cluster.moveLeader("orders", 0, 9);
    const consumer = lone.consumer({
      assign: [{ topic: "orders", partition: 0, offset: "latest" }],
    });
    await expect(take(consumer, 1)).rejects.toMatchObject({ retriable: true });
    orders.cluster.moveLeader("orders", 0, 1);
    const reading = take(consumer, 1);
    await until(() => consumer.positions[0]?.lag === 0n);
    await orders.log.producer().send({ topic: "orders", partition: 0, value: "5" });
    expect(await reading).toEqual([5]);
    await lone.close();
  });

  test("needs a group and topics, or partitions", () => {
    expect(() => orders.log.consumer({ group: "g", topics: [] })).toThrow("topics");
  });
});
