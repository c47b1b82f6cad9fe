// Runs of handlers against brokers and a coordinator that speak real gRPC on loopback.
import { CodedError } from "@stratalog/base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { delay, FakeOrders, until } from "../../testing/index.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

describe("a run", () => {
  test("handles a partition's records one after the other, and partitions at the same time", async () => {
    for (const partition of [0, 1, 2, 3]) await orders.fill(25, 5, partition);
    const consumer = orders.member();
    const busy = new Set<number>();
    const seen: string[] = [];
    let busiest = 0;
    const running = consumer.run({
      concurrency: 3,
      handler: async ({ partition, position }) => {
        expect(busy.has(partition)).toBe(false);
        busy.add(partition);
        busiest = Math.max(busiest, busy.size);
        await delay(1);
        busy.delete(partition);
        seen.push(`${partition}/${position}`);
      },
    });
    await until(() => seen.length === 100);
    await consumer.close();
    await running;
    expect(busiest).toBe(3);
    for (const partition of [0, 1, 2, 3]) {
      const own = seen.filter((each) => each.startsWith(`${partition}/`));
      expect(own).toEqual(numbers(25).map((n) => `${partition}/${n}`));
      expect(orders.storedOf(partition)).toBe(25);
    }
  });

  test("keeps the order of a key, runs keys at once, and commits only a prefix that is done", async () => {
    await orders.fill(200, 10);
    const consumer = orders.member();
    const done = new Set<number>();
    const lasts = new Map<string, number>();
    let inFlight = 0;
    let most = 0;
    const checkCommitted = (): void => {
      for (let n = 0; n < orders.storedOf(0); n++) expect(done).toContain(n);
    };
    const running = consumer.run({
      concurrency: 6,
      orderBy: "key",
      handler: async (record) => {
        inFlight++;
        most = Math.max(most, inFlight);
        const key = record.keyText() ?? "";
        expect(record.position).toBeGreaterThan(lasts.get(key) ?? -1);
        lasts.set(key, record.position);
        // One key is far slower than the others.
        await delay(key === "k3" ? 12 : 1);
        checkCommitted();
        done.add(record.position);
        inFlight--;
      },
    });
    await until(() => done.size === 200);
    expect(orders.group.commits.length).toBeGreaterThan(3);
    await consumer.close();
    await running;
    expect(most).toBe(6);
    expect(orders.storedOf(0)).toBe(200);
  });

  test("takes handlers that return at once", async () => {
    await orders.fill(500, 5);
    const consumer = orders.member();
    let sum = 0;
    const running = consumer.run({ handler: (record) => void (sum += Number(record.text())) });
    await until(() => sum === 124_750);
    await consumer.close();
    await running;
    expect(orders.storedOf(0)).toBe(500);
  });

  test("is the only reader while it runs", async () => {
    const consumer = orders.member();
    const running = consumer.run({ handler: () => {} });
    expect(() => consumer.run({ handler: () => {} })).toThrow("a run reads this consumer");
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toThrow("a run reads");
    await consumer.close();
    await running;
  });

  test("ends with ABORTED when its signal aborts, and the next one goes on where it was", async () => {
    await orders.fill(60, 5);
    const consumer = orders.member();
    const seen: number[] = [];
    const stop = new AbortController();
    const running = consumer.run({
      signal: stop.signal,
      concurrency: 4,
      orderBy: "none",
      handler: async ({ position }) => {
        await delay(1);
        seen.push(position);
        if (seen.length === 20) stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: "ABORTED" });
    expect(seen.length).toBeLessThan(30);
    const next = consumer.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => seen.length >= 60);
    await consumer.close();
    await next;
    expect(seen.toSorted((a, b) => a - b)).toEqual(numbers(60));
  });

  test("pauses, resumes and seeks", async () => {
    await orders.fill(100, 5);
    const consumer = orders.member();
    const seen: number[] = [];
    const running = consumer.run({
      handler: async ({ position }) => {
        seen.push(position);
        if (position === 9) consumer.pause();
        if (position === 14) consumer.seek({ topic: "orders", partition: 0, offset: 95n });
        await delay(0);
      },
    });
    await until(() => seen.length === 10);
    await delay(50);
    expect(seen).toEqual(numbers(10));
    consumer.resume();
    await until(() => seen.at(-1) === 99);
    expect(seen).toEqual([...numbers(15), 95, 96, 97, 98, 99]);
    await consumer.close();
    await running;
    expect(orders.storedOf(0)).toBe(100);
  });

  test("refuses to commit past a record that is not done", async () => {
    await orders.fill(10, 10);
    const consumer = orders.member({ commit: "manual" });
    const outcomes: string[] = [];
    const running = consumer.run({
      concurrency: 2,
      orderBy: "key",
      handler: async (record) => {
        if (record.position === 0) await until(() => outcomes.length > 0);
        const outcome = consumer.commit(record).then(
          () => `stored ${record.position}`,
          (error: unknown) => `${CodedError.from(error).code} ${record.position}`,
        );
        outcomes.push(await outcome);
      },
    });
    await until(() => outcomes.length === 10);
    await consumer.close();
    await running;
    expect(outcomes[0]).toMatch(/^INVALID_REQUEST [1-9]$/);
    expect(outcomes).toContain("stored 0");
    expect(orders.storedOf(0)).toBeGreaterThan(0);
  });
});

describe("a run that commits before", () => {
  test("begins nothing that is not committed, and a close gives back what it did not begin", async () => {
    await orders.fill(200, 20);
    const seen: number[] = [];
    const faults: number[] = [];
    while (seen.length < 200) {
      const consumer = orders.member({ commit: "before" });
      const end = Math.min(200, seen.length + 30);
      const running = consumer.run({
        concurrency: 4,
        orderBy: "key",
        readAhead: 50,
        handler: async ({ position }) => {
          if (orders.storedOf(0) <= position) faults.push(position);
          seen.push(position);
          if (position === 33) throw new Error("no");
          await delay(1);
        },
      });
      await Promise.race([until(() => seen.length >= end), running.catch(() => {})]);
      await consumer.close();
      await running.catch(() => {});
      // What was begun is never begun again: the failed one is lost, as is what ran beside it.
      expect(orders.storedOf(0)).toBeGreaterThan(Math.max(...seen));
      if (orders.storedOf(0) === 200) break;
    }
    expect(faults).toEqual([]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(190);
  });
});
