// Handlers that fail, and the dead letters of those that fail for good.
import { decodeUtf8 } from "@stratalog/base";
import { decodeBatch } from "@stratalog/record-batch";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readDeadLetter } from "../../core/dead-letter.ts";
import { json } from "../../core/serde.ts";
import { FakeOrders, until } from "../../testing/index.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, n) => n);

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

describe("a handler that fails", () => {
  test("is called again, later each time, while other keys go on", async () => {
    await orders.fill(30, 3);
    const consumer = orders.member();
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
    await until(() => orders.storedOf(0) === 30);
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
    const consumer = orders.member();
    const seen: string[] = [];
    let lettersAtCommit = -1;
    const running = consumer.run({
      retry: { attempts: 3, backoffMs: 1 },
      deadLetter: true,
      handler: (record) => {
        if (orders.storedOf(2) > 0 && lettersAtCommit < 0)
          lettersAtCommit = lettersIn("orders.dlq").length;
        if (record.text() === "bad") throw new TypeError("no price");
        seen.push(record.text() ?? "");
      },
    });
    await until(() => orders.storedOf(2) === 2);
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
    await orders.fill(3, 3);
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
    await orders.fill(20, 5);
    const consumer = orders.member();
    const seen: number[] = [];
    const first = consumer.run({
      retry: { attempts: 2, backoffMs: 1 },
      handler: ({ position }) => {
        seen.push(position);
        if (position === 7) throw new Error("no stock");
      },
    });
    await expect(first).rejects.toThrow("no stock");
    await until(() => orders.storedOf(0) === 7);
    const second = consumer.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => orders.storedOf(0) === 20);
    await consumer.close();
    await second;
    expect(seen).toEqual([...numbers(8), 7, ...numbers(20).slice(7)]);
  });

  test("ends the run when its copy cannot be stored: nothing is lost, and nothing is skipped", async () => {
    await orders.fill(20, 5);
    orders.cluster.createTopic("orders.dlq", 1);
    orders.cluster.fateOf = ({ topic }) => (topic === "orders.dlq" ? "drop" : "store");
    const consumer = orders.member();
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
    expect(orders.storedOf(0)).toBe(7);
    // The next member begins with it.
    orders.cluster.fateOf = () => "store";
    const seen: number[] = [];
    const next = orders.member();
    const again = next.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => seen.length === 13);
    await next.close();
    await again;
    expect(seen[0]).toBe(7);
  });

  test("holds up no other partition, however little the consumer may buffer", async () => {
    await orders.fill(400, 5, 0);
    await orders.fill(400, 5, 2);
    const consumer = orders.member({ bufferBytes: 4_096 });
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
    expect([orders.storedOf(0), orders.storedOf(2)]).toEqual([400, 400]);
  });
});
