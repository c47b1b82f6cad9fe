// Runs whose partitions go: moved, lost, or given up at a close.
import { CodedError } from "@stratalog/base";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { delay, FakeOrders, until } from "../../testing/index.ts";
import type { Consumer } from "./consumer.ts";

let orders: FakeOrders;

beforeEach(async () => {
  orders = await FakeOrders.start();
});

afterEach(() => orders.stop());

describe("a run whose partitions go", () => {
  test("finishes what it began, and another member repeats nothing", async () => {
    for (const partition of [0, 1, 2, 3]) await orders.fill(100, 7, partition);
    const seen: string[] = [];
    const start = (consumer: Consumer): Promise<void> =>
      consumer.run({
        concurrency: 8,
        orderBy: "key",
        handler: async ({ partition, position }) => {
          await delay(position % 3);
          seen.push(`${partition}/${position}`);
        },
      });
    const first = orders.member();
    const second = orders.member();
    const runs = [start(first)];
    await until(() => seen.length > 40);
    runs.push(start(second));
    await until(() => second.assignment.length === 2);
    await until(() => seen.length > 200);
    await first.close();
    await until(() => seen.length >= 400);
    await second.close();
    await Promise.all(runs);
    expect(seen.length).toBe(400);
    expect(new Set(seen).size).toBe(400);
  });

  test("tells a handler that takes too long, and does not count what it did", async () => {
    await orders.fill(2, 1, 1);
    const first = orders.member();
    const aborted: string[] = [];
    const running = first.run({
      drainTimeoutMs: 100,
      handler: async (_record, { signal }) => {
        await new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => {
            aborted.push(String(signal.reason));
            reject(new Error("stopped"));
          });
        });
      },
    });
    await until(() => first.assignment.length === 4);
    await delay(50);
    const second = orders.member();
    const seen: number[] = [];
    const other = second.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => seen.length === 2);
    expect(aborted).toHaveLength(1);
    expect(seen).toEqual([0, 1]);
    await Promise.all([first.close(), second.close()]);
    await Promise.all([running, other]);
  });

  test("waits for no record's next attempt", async () => {
    await orders.fill(4, 2, 1);
    const first = orders.member();
    const attempts: string[] = [];
    const running = first.run({
      concurrency: 4,
      orderBy: "key",
      retry: { backoffMs: 60_000, maxBackoffMs: 60_000 },
      handler: ({ position }, { attempt }) => {
        attempts.push(`${position}#${attempt}`);
        if (position === 2) throw new Error("busy");
      },
    });
    await until(() => attempts.length === 4);
    const second = orders.member();
    const seen: number[] = [];
    const other = second.run({ handler: ({ position }) => void seen.push(position) });
    await until(() => seen.length === 2);
    expect(seen).toEqual([2, 3]);
    expect(attempts.at(-1)).toBe("2#2");
    await Promise.all([first.close(), second.close()]);
    await Promise.all([running, other]);
  });

  test("aborts the signals of what it lost, and commits none of it", async () => {
    await orders.fill(4, 4);
    const consumer = orders.member();
    const reasons: string[] = [];
    let begun = 0;
    const running = consumer.run({
      concurrency: 4,
      orderBy: "key",
      handler: async (_record, { signal }) => {
        begun++;
        if (begun > 4) return;
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => {
            reasons.push(CodedError.from(signal.reason).code);
            resolve();
          });
        });
      },
    });
    await until(() => begun === 4);
    for (const id of orders.group.members.keys()) orders.group.fence(id);
    await until(() => reasons.length === 4);
    // It joins again and handles them again.
    await until(() => begun === 8 && orders.storedOf(0) === 4);
    expect(reasons).toEqual(["ABORTED", "ABORTED", "ABORTED", "ABORTED"]);
    await consumer.close();
    await running;
  });

  test("that is at one record for longer than maxPollIntervalMs loses them all", async () => {
    await orders.fill(4, 4);
    const consumer = orders.member({ maxPollIntervalMs: 150, commit: "manual" });
    const lost: string[] = [];
    consumer.on("revoked", (_partitions, reason) => void lost.push(reason));
    const events: string[] = [];
    const running = consumer.run({
      handler: async (record, { signal }) => {
        if (events.length > 0) {
          events.push("again");
          return;
        }
        events.push("begun");
        await until(() => signal.aborted);
        await until(() => orders.group.members.size === 0);
        const late = consumer.commit(record);
        events.push(await late.catch((error: unknown) => CodedError.from(error).code).then(String));
        // As long as the handler goes on, the consumer stays out.
        await delay(100);
        expect(orders.group.members.size).toBe(0);
      },
    });
    await until(() => events.filter((each) => each === "again").length === 4);
    expect(events.slice(0, 3)).toEqual(["begun", "FENCED_MEMBER_EPOCH", "again"]);
    expect(lost).toEqual(["lost"]);
    expect(orders.group.offsets.size).toBe(0);
    await consumer.close();
    await running;
  });

  test("closes after its handlers, and without one that does not end", async () => {
    await orders.fill(4, 4);
    const consumer = orders.member();
    const ends: string[] = [];
    let begun = 0;
    const running = consumer.run({
      concurrency: 2,
      orderBy: "none",
      handler: async ({ position }, { signal }) => {
        begun++;
        if (position === 1) await delay(60);
        else await new Promise(() => {});
        ends.push(`${position} ${signal.aborted}`);
      },
    });
    await until(() => begun === 2);
    const startMs = performance.now();
    await consumer.close({ timeoutMs: 2_000 });
    expect(performance.now() - startMs).toBeLessThan(3_500);
    await running;
    expect(ends).toEqual(["1 false"]);
    expect(orders.group.members.size).toBe(0);
    expect(orders.storedOf(0)).toBe(0);
  });
});

describe("a consumer's loop", () => {
  test("cannot commit a record of a partition that it lost", async () => {
    await orders.fill(8, 4);
    const consumer = orders.member({ maxPollIntervalMs: 150, commit: "manual" });
    for await (const record of consumer) {
      const signal = consumer.signalOf(record);
      expect(signal.aborted).toBe(false);
      await until(() => signal.aborted);
      const late = expect.objectContaining({ code: "FENCED_MEMBER_EPOCH" });
      await expect(consumer.commit(record)).rejects.toEqual(late);
      await expect(consumer.commit()).rejects.toEqual(late);
      const offsets = [{ topic: "orders", partition: 0, offset: 1 }];
      await expect(consumer.commit(offsets)).rejects.toMatchObject({ code: "UNKNOWN_MEMBER" });
      expect(consumer.signalOf(record).aborted).toBe(true);
      break;
    }
    expect(orders.group.offsets.size).toBe(0);
  });
});
