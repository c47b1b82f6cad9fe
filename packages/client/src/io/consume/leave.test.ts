// A member that leaves while its coordinator is hard to reach.
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FakeOrders } from "../../testing/fake-orders.ts";
import type { Consumer } from "./consumer.ts";

let orders: FakeOrders;
/** Streams that members have opened. */
let streamCount: number;
/** Streams that the coordinator does not look at yet; undefined: it looks at all. */
let unread: (() => void)[] | undefined;

beforeEach(async () => {
  orders = await FakeOrders.start();
  streamCount = 0;
  unread = undefined;
  for (const broker of orders.cluster.brokers) {
    const serve = broker.groupSession;
    broker.groupSession = (call) => {
      streamCount++;
      if (unread === undefined) serve?.(call);
      else unread.push(() => serve?.(call));
    };
  }
});

afterEach(async () => {
  await orders.stop();
});

/** A member that has joined and read a record. */
async function joined(): Promise<Consumer> {
  await orders.fill(1, 1);
  const consumer = orders.member();
  await consumer[Symbol.asyncIterator]().next();
  expect(orders.group.members.size).toBe(1);
  return consumer;
}

async function closedAfterMs(consumer: Consumer, timeoutMs: number): Promise<number> {
  const startMs = performance.now();
  await consumer.close({ timeoutMs });
  return performance.now() - startMs;
}

describe("a member that closes", () => {
  it("leaves by the stream that it has", async () => {
    const consumer = await joined();
    await consumer.close();
    expect(orders.group.members.size).toBe(0);
    expect(streamCount).toBe(1);
  });

  it("comes back to leave when its stream broke a moment ago", async () => {
    const consumer = await joined();
    orders.group.breakStreams();
    expect(await closedAfterMs(consumer, 5_000)).toBeLessThan(4_000);
    expect(orders.group.members.size).toBe(0);
    expect(streamCount).toBe(2);
  });

  it("leaves once the group has a coordinator again", async () => {
    const consumer = await joined();
    orders.group.isGone = true;
    orders.group.breakStreams();
    const closed = consumer.close({ timeoutMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(orders.group.members.size).toBe(1);
    orders.group.isGone = false;
    await closed;
    expect(orders.group.members.size).toBe(0);
  });

  it("leaves when its join is not answered yet, as soon as it is", async () => {
    unread = [];
    const consumer = orders.member();
    const next = consumer[Symbol.asyncIterator]().next();
    await expect.poll(() => streamCount).toBe(1);
    const closed = consumer.close({ timeoutMs: 5_000 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    for (const serve of unread) serve();
    await closed;
    expect(await next).toMatchObject({ done: true });
    expect(orders.group.members.size).toBe(0);
  });

  it("asks no more of a group that has put it out", async () => {
    const consumer = await joined();
    orders.group.breakStreams();
    orders.group.members.clear();
    expect(await closedAfterMs(consumer, 5_000)).toBeLessThan(4_000);
    expect(orders.group.members.size).toBe(0);
  });

  it("gives up in its time when no broker is left", async () => {
    const consumer = await joined();
    await orders.cluster.stop();
    expect(await closedAfterMs(consumer, 600)).toBeLessThan(2_000);
  });
});
