// Runs of handlers against brokers and a coordinator that speak real gRPC on loopback.
import { CodedError, decodeUtf8 } from "@stratalog/base";
import { decodeBatch } from "@stratalog/record-batch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readDeadLetter } from "../../core/dead-letter.ts";
import { json } from "../../core/serde.ts";
import { FakeOrders } from "../../testing/index.ts";
import type { Consumer } from "./consumer.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

const fill = (count: number, keys: number, partition = 0): Promise<void> =>
  orders.fill(count, keys, partition);
const member = (options: object = {}): Consumer => orders.member(options);
const storedOf = (partition: number): number => orders.storedOf(partition);
const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !condition(); round++) await delay(10);
  expect(condition()).toBe(true);
}

interface Letter {
  readonly key: string;
  readonly value: string;
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array | null }[];
}

function lettersIn(topic: string): readonly Letter[] {
  const partitions = orders.cluster.topics.get(topic) ?? [];
  return partitions.flatMap(({ batches }) =>
    batches.flatMap((batch) =>
      [...decodeBatch(batch)].map(({ key, value, headers }) => ({
        key: decodeUtf8(key ?? new Uint8Array()),
        value: decodeUtf8(value ?? new Uint8Array()),
        headers: headers ?? [],
      })),
    ),
  );
}

describe("a run", () => {
  test("handles a partition's records one after the other, and partitions at the same time", async () => {
    for (const partition of [0, 1, 2, 3]) await fill(25, 5, partition);
    const consumer = member();
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
      expect(storedOf(partition)).toBe(25);
    }
  });

  test("keeps the order of a key, runs keys at once, and commits only a prefix that is done", async () => {
    await fill(200, 10);
    const consumer = member();
    const done = new Set<number>();
    const lasts = new Map<string, number>();
    let inFlight = 0;
    let most = 0;
    const checkCommitted = (): void => {
      for (let n = 0; n < storedOf(0); n++) expect(done).toContain(n);
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
    expect(storedOf(0)).toBe(200);
  });

  test("takes handlers that return at once", async () => {
    await fill(500, 5);
    const consumer = member();
    let sum = 0;
    const running = consumer.run({ handler: (record) => void (sum += Number(record.text())) });
    await until(() => sum === 124_750);
    await consumer.close();
    await running;
    expect(storedOf(0)).toBe(500);
  });

  test("is the only reader while it runs", async () => {
    const consumer = member();
    const running = consumer.run({ handler: () => {} });
    expect(() => consumer.run({ handler: () => {} })).toThrow("a run reads this consumer");
    await expect(consumer[Symbol.asyncIterator]().next()).rejects.toThrow("a run reads");
    await consumer.close();
    await running;
  });

  test("ends with ABORTED when its signal aborts, and the next one goes on where it was", async () => {
    await fill(60, 5);
    const consumer = member();
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
    await fill(100, 5);
    const consumer = member();
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
    expect(storedOf(0)).toBe(100);
  });

  test("refuses to commit past a record that is not done", async () => {
    await fill(10, 10);
    const consumer = member({ commit: "manual" });
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
    expect(storedOf(0)).toBeGreaterThan(0);
  });
});

describe("a handler that fails", () => {
  test("is called again, later each time, while other keys go on", async () => {
    await fill(30, 3);
    const consumer = member();
    const order: string[] = [];
    const running = consumer.run({
      concurrency: 3,
      orderBy: "key",
      retry: { attempts: 4, backoffMs: 20 },
      handler: (record, { attempt }) => {
        order.push(`${record.position}#${attempt}`);
        if (record.position === 3 && attempt < 4) throw new Error("busy");
      },
    });
    await until(() => storedOf(0) === 30);
    await consumer.close();
    await running;
    expect(order.filter((each) => each.startsWith("3#"))).toEqual(["3#1", "3#2", "3#3", "3#4"]);
    // Its key waited for it; the others did not.
    expect(order.indexOf("6#1")).toBeGreaterThan(order.indexOf("3#4"));
    expect(order.indexOf("29#1")).toBeLessThan(order.indexOf("3#4"));
  });

  test("for good has its record copied whole before the offset is committed", async () => {
    const producer = orders.log.producer();
    const headers = { trace: "t-1" };
    const timestamp = 1_234;
    await producer.send({
      topic: "orders",
      partition: 2,
      key: "k1",
      value: "bad",
      headers,
      timestamp,
    });
    await producer.send({ topic: "orders", partition: 2, key: "k1", value: "good" });
    const consumer = member();
    const seen: string[] = [];
    let lettersAtCommit = -1;
    const running = consumer.run({
      retry: { attempts: 3, backoffMs: 1 },
      deadLetter: true,
      handler: (record) => {
        if (storedOf(2) > 0 && lettersAtCommit < 0)
          lettersAtCommit = lettersIn("orders.dlq").length;
        if (record.text() === "bad") throw new TypeError("no price");
        seen.push(record.text() ?? "");
      },
    });
    await until(() => storedOf(2) === 2);
    await consumer.close();
    await running;
    expect(seen).toEqual(["good"]);
    const [letter, ...rest] = lettersIn("orders.dlq");
    expect(rest).toEqual([]);
    expect(letter).toMatchObject({ key: "k1", value: "bad" });
    expect(decodeUtf8(letter?.headers[0]?.value ?? new Uint8Array())).toBe("t-1");
    expect(readDeadLetter(letter?.headers ?? [])).toMatchObject({
      topic: "orders",
      partition: 2,
      offset: 0,
      group: "billing",
      error: "TypeError: no price",
      attempts: 3,
    });
    expect(orders.cluster.topics.get("orders.dlq")).toHaveLength(4);
    expect(orders.cluster.partition("orders.dlq", 2).end).toBe(1);
  });

  test("with an error that says so is not tried again, nor is a record that cannot be read", async () => {
    await fill(3, 3);
    const consumer = orders.log.consumer({
      group: "billing",
      topics: ["orders"],
      fromBeginning: true,
      value: json<number>(),
    });
    const producer = orders.log.producer();
    await producer.send({ topic: "orders", partition: 0, value: "no JSON {" });
    const attempts: number[] = [];
    const running = consumer.run({
      deadLetter: { topic: "failed" },
      handler: (record, { attempt }) => {
        attempts.push(attempt);
        if (record.value === 1) throw Object.assign(new Error("never"), { retriable: false });
      },
    });
    await until(() => lettersIn("failed").length === 2);
    await consumer.close();
    await running;
    expect(attempts).toEqual([1, 1, 1, 1]);
    const codes = lettersIn("failed").map(({ headers }) => readDeadLetter(headers)?.code);
    expect(codes).toEqual(["", "SERDE_FAILED"]);
  });

  test("ends a run without a dead-letter topic, and the next one begins with its record", async () => {
    await fill(20, 5);
    const consumer = member();
    const seen: number[] = [];
    const first = consumer.run({
      retry: { attempts: 2, backoffMs: 1 },
      handler: ({ position }) => {
        seen.push(position);
        if (position === 7) throw new Error("no stock");
      },
    });
    await expect(first).rejects.toThrow("no stock");
    await until(() => storedOf(0) === 7);
    const second = consumer.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => storedOf(0) === 20);
    await consumer.close();
    await second;
    expect(seen).toEqual([...numbers(8), 7, ...numbers(20).slice(7)]);
  });

  test("ends the run when its copy cannot be stored: nothing is lost, and nothing is skipped", async () => {
    await fill(20, 5);
    orders.cluster.createTopic("orders.dlq", 1);
    orders.cluster.fateOf = ({ topic }) => (topic === "orders.dlq" ? "drop" : "store");
    const consumer = member();
    const running = consumer.run({
      orderBy: "key",
      concurrency: 4,
      retry: { attempts: 1 },
      deadLetter: { timeoutMs: 200 },
      handler: ({ position }) => {
        if (position === 7) throw new Error("no stock");
      },
    });
    await expect(running).rejects.toThrow(
      /orders\/0 at 7 could not be copied to orders\.dlq: .*failed with Error: no stock/,
    );
    await consumer.close();
    expect(storedOf(0)).toBe(7);
    // The next member begins with it.
    orders.cluster.fateOf = () => "store";
    const seen: number[] = [];
    const next = member();
    const again = next.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => seen.length === 13);
    await next.close();
    await again;
    expect(seen[0]).toBe(7);
  });

  test("holds up no other partition, however little the consumer may buffer", async () => {
    await fill(400, 5, 0);
    await fill(400, 5, 2);
    const consumer = member({ bufferBytes: 4_096 });
    const seen = { stuck: 0, other: 0 };
    const running = consumer.run({
      concurrency: 2,
      readAhead: 10,
      retry: { attempts: 1_000, backoffMs: 50, maxBackoffMs: 50 },
      handler: ({ partition, position }) => {
        if (partition === 0 && position === 5 && seen.other < 400) throw new Error("stuck");
        if (partition === 0) seen.stuck++;
        else seen.other++;
      },
    });
    await until(() => seen.other === 400);
    await until(() => seen.stuck === 400);
    await consumer.close();
    await running;
    expect([storedOf(0), storedOf(2)]).toEqual([400, 400]);
  });
});

describe("a run that commits before", () => {
  test("begins nothing that is not committed, and a close gives back what it did not begin", async () => {
    await fill(200, 20);
    const seen: number[] = [];
    const faults: number[] = [];
    while (seen.length < 200) {
      const consumer = member({ commit: "before" });
      const end = Math.min(200, seen.length + 30);
      const running = consumer.run({
        concurrency: 4,
        orderBy: "key",
        readAhead: 50,
        handler: async ({ position }) => {
          if (storedOf(0) <= position) faults.push(position);
          seen.push(position);
          if (position === 33) throw new Error("no");
          await delay(1);
        },
      });
      await Promise.race([until(() => seen.length >= end), running.catch(() => {})]);
      await consumer.close();
      await running.catch(() => {});
      // What was begun is never begun again: the failed one is lost, as is what ran beside it.
      expect(storedOf(0)).toBeGreaterThan(Math.max(...seen));
      if (storedOf(0) === 200) break;
    }
    expect(faults).toEqual([]);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen.length).toBeGreaterThan(190);
  });
});
