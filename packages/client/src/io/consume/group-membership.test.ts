// Members of a group that come, go and are put out.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeOrders, take, until } from "../../testing/index.ts";
import type { Consumer } from "./consumer.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

/** Why the consumer lost partitions, as it comes to be. */
function revocationsOf(consumer: Consumer): readonly string[] {
  const reasons: string[] = [];
  consumer.on("revoked", (_partitions, reason) => {
    reasons.push(reason);
  });
  return reasons;
}

describe("a member of a group", () => {
  test("shares partitions with another member without losing or repeating a record", async () => {
    await orders.fillEvenly(400);
    const first = orders.member();
    const second = orders.member();
    const seen: number[] = [];
    const run = async (consumer: Consumer): Promise<void> => {
      for await (const record of consumer) {
        seen.push(Number(record.text()));
        if (seen.length < 100) await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const loops = [run(first)];
    await until(() => seen.length > 20);
    loops.push(run(second));
    await until(() => seen.length >= 400);
    await until(() => second.assignment.length === 2);
    await first.close();
    await until(() => second.assignment.length === 4);
    await second.close();
    await Promise.all(loops);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });

  test("reads nothing of new partitions before its listeners have returned", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member();
    consumer.on("assigned", async (partitions) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const each of partitions) consumer.seek({ ...each, offset: 9 });
    });
    expect([...(await take(consumer, 4))].sort((a, b) => a - b)).toEqual([36, 37, 38, 39]);
  });

  test("waits for the loop before it gives a partition up", async () => {
    await orders.fillEvenly(4);
    const events: string[] = [];
    const first = orders.member();
    first.on("revoked", (partitions, reason) => {
      events.push(`revoked ${partitions.map(({ partition }) => partition).join()} ${reason}`);
    });
    let release: () => void = () => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    const loop = (async () => {
      for await (const record of first) {
        // Held: a record of a partition that the second member will get.
        if (record.partition % 2 === 1) {
          events.push("busy");
          await busy;
        }
      }
    })();
    await until(() => events.includes("busy"));
    const second = orders.member();
    const reading = take(second, 1);
    // Told, and still there: what it was told crosses a socket.
    await until(() => orders.group.members.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(events).toEqual(["busy"]);
    release();
    await until(() => second.assignment.length === 2);
    expect(events.at(-1)).toBe("revoked 1,3 moved");
    await first.close();
    await second.close();
    await Promise.all([loop, reading]);
  });

  test("closes while it is asked to give a partition up that its loop is at", async () => {
    await orders.fillEvenly(4);
    const first = orders.member();
    let isBusy = false;
    let release: () => void = () => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    const loop = (async () => {
      for await (const record of first) {
        isBusy = record.partition % 2 === 1;
        if (isBusy) await busy;
      }
    })();
    await until(() => isBusy);
    const second = orders.member();
    const reading = take(second, 1);
    await until(() => first.assignment.length === 4 && orders.group.members.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await first.close({ timeoutMs: 1_000 });
    release();
    await loop;
    expect((await reading).length).toBe(1);
    await until(() => second.assignment.length === 4);
  });

  test("commits of a batch that was taken away in its midst only what the loop had read", async () => {
    const producer = orders.log.producer();
    const values = Array.from({ length: 10 }, (_, index) => String(index));
    await Promise.all(
      values.map((value) => producer.send({ topic: "orders", partition: 1, value })),
    );
    await producer.close();
    const first = orders.member();
    let isBusy = false;
    let release: () => void = () => {};
    const busy = new Promise<void>((resolve) => {
      release = resolve;
    });
    const seen: string[] = [];
    const loop = (async () => {
      for await (const batch of first.batches()) {
        for (const record of batch) {
          seen.push(record.text() ?? "");
          isBusy = seen.length === 3;
          if (isBusy) await busy;
        }
      }
    })();
    await until(() => isBusy);
    const second = orders.member();
    const reading = take(second, 7);
    // Told, and still there: what it was told crosses a socket.
    await until(() => orders.group.members.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    release();
    expect(await reading).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(seen).toEqual(["0", "1", "2"]);
    await Promise.all([first.close(), second.close(), loop]);
  });

  test("that has left its loop does not hold up the group", async () => {
    await orders.fillEvenly(40);
    const first = orders.member();
    await take(first, 1);
    for await (const batch of first.batches()) {
      expect(batch.count).toBeGreaterThan(0);
      break;
    }
    const second = orders.member();
    const reading = take(second, 5);
    await until(() => second.assignment.length === 2);
    expect((await reading).length).toBe(5);
    expect(first.assignment.length).toBe(2);
  });

  test("pings while the loop is busy", async () => {
    await orders.fillEvenly(4);
    for await (const record of orders.member()) {
      expect(record.offset).toBe(0n);
      const before = orders.group.pings;
      await until(() => orders.group.pings > before + 3);
      break;
    }
  });

  test("comes back with what it owns when its stream breaks", async () => {
    await orders.fillEvenly(400);
    const consumer = orders.member();
    const revoked: unknown[] = [];
    consumer.on("revoked", (partitions) => {
      revoked.push(partitions);
    });
    const seen: number[] = [];
    for await (const record of consumer) {
      seen.push(Number(record.text()));
      if (seen.length === 50) orders.group.breakStreams();
      if (seen.length === 100) orders.group.coordinator = 2;
      if (seen.length === 120) orders.group.breakStreams();
      if (seen.length === 400) break;
    }
    await consumer.commit();
    expect(new Set(seen).size).toBe(400);
    expect(revoked).toEqual([]);
    expect(orders.storedCount).toBe(400);
  });

  test("that is fenced loses everything, says so, and joins again", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member();
    const reasons = revocationsOf(consumer);
    let count = 0;
    for await (const record of consumer) {
      expect(record.topic).toBe("orders");
      count++;
      if (count === 20) for (const id of orders.group.members.keys()) orders.group.fence(id);
      if (count === 20) await until(() => reasons.length === 1);
      if (count >= 20 && reasons.length === 1 && count === 45) break;
      if (count === 40)
        await orders.log.producer().sendBatch({ topic: "orders", records: extra(20) });
    }
    expect(reasons).toEqual(["lost"]);
  });

  test("that nobody reads any more leaves, and comes back when somebody does", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member({ maxPollIntervalMs: 200 });
    await take(consumer, 1);
    await until(() => orders.group.members.size === 0);
    expect(consumer.assignment).toEqual([]);
    expect((await take(consumer, 4)).length).toBe(4);
    consumer.pass();
    await until(() => orders.group.members.size === 0);
    const broken = consumer.run({
      retry: { attempts: 1 },
      handler: () => {
        throw new Error("no stock");
      },
    });
    await expect(broken).rejects.toThrow("no stock");
    await until(() => orders.group.members.size === 0);
    // As long as somebody waits for records, it stays.
    const seen = new Set<number>();
    const running = consumer.run({ handler: (record) => void seen.add(Number(record.text())) });
    await until(() => orders.storedCount === 40);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(orders.group.members.size).toBe(1);
    await consumer.close();
    await running;
  });

  test("that hangs in its loop leaves, and comes back when it goes on", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member({ maxPollIntervalMs: 200 });
    const reasons = revocationsOf(consumer);
    let count = 0;
    for await (const record of consumer) {
      expect(record.topic).toBe("orders");
      count++;
      if (count === 1) await until(() => reasons.length === 1 && orders.group.members.size === 0);
      if (count === 20) break;
    }
    expect(orders.group.members.size).toBe(1);
  });

  test("whose coordinator is gone for a session's length gives everything up", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member({ sessionTimeoutMs: 1_000 });
    const reasons = revocationsOf(consumer);
    await take(consumer, 10);
    orders.group.isGone = true;
    orders.group.breakStreams();
    await until(() => reasons.length === 1);
    expect(reasons).toEqual(["lost"]);
    expect(consumer.assignment).toEqual([]);
    orders.group.isGone = false;
    expect((await take(consumer, 5)).length).toBe(5);
  });
});

function extra(count: number): readonly { readonly partition: number; readonly value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ partition: index % 4, value: "1000" }));
}
