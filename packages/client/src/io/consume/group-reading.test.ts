// What members of a group read and commit.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeOrders, take, until } from "../../testing/index.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

describe("a member of a group", () => {
  test("reads everything once, in order within a partition", async () => {
    await orders.fillEvenly(400);
    const consumer = orders.member();
    const seen = await take(consumer, 400);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    for (const partition of [0, 1, 2, 3]) {
      const own = seen.filter((value) => value % 4 === partition);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
    expect(consumer.positions.map(({ lag }) => lag)).toEqual([0n, 0n, 0n, 0n]);
  });

  test("commits what the loop has passed and not the record in hand", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member();
    await take(consumer, 40);
    await consumer.close();
    expect(orders.storedCount).toBe(39);
  });

  test("goes on where the group was", async () => {
    await orders.fillEvenly(400);
    const first = orders.member();
    const seen = [...(await take(first, 100))];
    await first.commit();
    await first.close();
    expect(orders.storedCount).toBe(100);
    const second = orders.member();
    seen.push(...(await take(second, 300)));
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });

  test("begins at the end when nothing was stored and nobody says otherwise", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.log.consumer({
      group: "billing",
      topics: ["orders"],
      commitIntervalMs: 20,
    });
    const assigned = new Promise<void>((resolve) => {
      consumer.on("assigned", () => resolve());
    });
    const reading = take(consumer, 1);
    await assigned;
    await orders.log.producer().send({ topic: "orders", partition: 2, value: "777" });
    expect(await reading).toEqual([777]);
    // Where it began is stored at once: a restart before the first record loses nothing.
    await until(() => orders.group.offsets.get("orders/0") === 10);
  });

  test("by manual commit stores only what it is told", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member({ commit: "manual" });
    for await (const record of consumer) {
      if (record.partition === 1 && record.offset === 4n) {
        await consumer.commit(record);
        break;
      }
    }
    await consumer.close();
    expect([...orders.group.offsets]).toEqual([["orders/1", 5]]);
  });

  test("gets the record again that its last loop was left with, in its partition's order", async () => {
    await orders.fillEvenly(40);
    const consumer = orders.member();
    const seen: number[] = [];
    let failures = 0;
    for (let round = 0; round < 4; round++) {
      try {
        for await (const record of consumer) {
          if (record.position === 5 && failures < 3) throw new Error("the handler failed");
          seen.push(Number(record.text()));
          if (seen.length === 40) break;
        }
      } catch (error) {
        failures++;
        expect(String(error)).toContain("the handler failed");
      }
    }
    expect(failures).toBe(3);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
    for (const partition of [0, 1, 2, 3]) {
      const own = seen.filter((value) => value % 4 === partition);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
  });

  test("gets the record again that it broke off with, unless it says that it is done", async () => {
    await orders.fillEvenly(4);
    const consumer = orders.log.consumer({
      assign: [{ topic: "orders", partition: 0, offset: 0 }],
    });
    expect(await take(consumer, 1)).toEqual([0]);
    expect(await take(consumer, 1)).toEqual([0]);
    consumer.pass();
    expect(consumer.positions[0]?.offset).toBe(1n);
    await orders.log.producer().send({ topic: "orders", partition: 0, value: "9" });
    expect(await take(consumer, 1)).toEqual([9]);
  });
});
