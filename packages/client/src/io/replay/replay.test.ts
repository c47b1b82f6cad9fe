// Replay against brokers that speak real gRPC on loopback.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { json } from "../../core/serde.ts";
import { delay, FakeCluster } from "../../testing/index.ts";
import { BatchQueue } from "../fetch/batch-queue.ts";
import type { Stratalog } from "../stratalog.ts";

let cluster: FakeCluster;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("orders", 3);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

async function fill(count: number, compression: "none" | "gzip" | "zstd" = "none"): Promise<void> {
  const producer = log.producer({ maxBatchBytes: 500, compression });
  for (let index = 0; index < count; index++) {
    await producer.enqueue({
      topic: "orders",
      partition: index % 3,
      key: `k${index % 3}`,
      value: { index },
      timestamp: 1_000_000 + index,
      headers: { source: "test" },
    });
  }
  await producer.close();
}

/** Indexes by partition. */
async function collect(
  options: Omit<Parameters<Stratalog["replay"]>[0], "topic" | "key" | "value"> = {},
): Promise<readonly (readonly number[])[]> {
  const seen: number[][] = [[], [], []];
  for await (const record of log.replay({ topic: "orders", ...options })) {
    seen[record.partition]?.push(record.json<{ index: number }>().index);
  }
  return seen;
}

const every3 = (from: number, to: number, first: number): readonly number[] =>
  Array.from({ length: to }, (_, index) => index).filter((i) => i >= from && i % 3 === first);

describe("a replay", () => {
  test.each(["none", "gzip", "zstd"] as const)(
    "reads everything in order and ends (%s)",
    async (compression) => {
      await fill(300, compression);
      expect(await collect()).toEqual([every3(0, 300, 0), every3(0, 300, 1), every3(0, 300, 2)]);
    },
  );

  test("does not end over data that came while it looked for some", async () => {
    await fill(3);
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its own queue below
    const take = BatchQueue.prototype.take;
    const slow = vi.spyOn(BatchQueue.prototype, "take").mockImplementation(async function (
      this: BatchQueue<unknown, unknown>,
    ) {
      const taken = await take.call(this);
      if (taken === undefined) await new Promise((resolve) => setTimeout(resolve, 200));
      return taken;
    });
    try {
      expect(await collect()).toEqual([[0], [1], [2]]);
    } finally {
      slow.mockRestore();
    }
  });

  test("of an empty topic ends at once", async () => {
    expect(await collect()).toEqual([[], [], []]);
  });

  test("ends where the partition ended when it began", async () => {
    await fill(90);
    const replay = log.replay({ topic: "orders", partitions: [0] })[Symbol.asyncIterator]();
    let count = 0;
    for (let step = await replay.next(); step.done !== true; step = await replay.next()) {
      count++;
      if (count === 1) await fill(90);
    }
    expect(count).toBe(30);
    expect(cluster.partition("orders", 0).end).toBe(60);
  });

  test("reads from and to an offset or a time", async () => {
    await fill(300);
    expect(await collect({ partitions: [1], from: { offset: 10n }, to: { offset: 20 } })).toEqual([
      [],
      every3(31, 61, 1),
      [],
    ]);
    const from = { timestamp: new Date(1_000_150) };
    const to = { timestamp: 1_000_180 };
    expect(await collect({ from, to })).toEqual([
      every3(150, 180, 0),
      every3(150, 180, 1),
      every3(150, 180, 2),
    ]);
  });

  test("refuses to begin where a partition has nothing, and names what it has", async () => {
    await fill(30);
    expect(await collect({ partitions: [0], from: { offset: 10 } })).toEqual([[], [], []]);
    await expect(collect({ partitions: [0], from: { offset: 11 } })).rejects.toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      details: { logStartOffset: 0, endOffset: 10 },
    });
    expect(await collect({ from: { timestamp: 9_000_000 } })).toEqual([[], [], []]);
  });

  test("shows what a record has", async () => {
    await fill(1);
    for await (const record of log.replay({ topic: "orders", value: json<{ index: number }>() })) {
      expect(record.offset).toBe(0n);
      expect(record.timestamp).toBe(1_000_000);
      expect(record.keyText()).toBe("k0");
      expect(record.value?.index).toBe(0);
      expect(record.header("source")).toBe("test");
      expect(JSON.parse(JSON.stringify(record))).toMatchObject({ topic: "orders", offset: "0" });
    }
  });

  test("hands out batches that are iterated without waiting", async () => {
    await fill(300);
    let count = 0;
    for await (const batch of log.replay({ topic: "orders" }).batches()) {
      expect(batch.count).toBeGreaterThan(0);
      for (const record of batch) {
        expect(record.partition).toBe(batch.partition);
        count++;
      }
    }
    expect(count).toBe(300);
  });

  test("goes on at the new leader", async () => {
    await fill(3000);
    const seen: number[] = [];
    const options = { topic: "orders", partitions: [0], bufferBytes: 2_000 };
    for await (const record of log.replay(options)) {
      seen.push(record.json<{ index: number }>().index);
      if (seen.length === 100) cluster.moveLeader("orders", 0, 2);
      if (seen.length === 500) {
        cluster.moveLeader("orders", 0, 1);
        await cluster.broker(2).stop();
      }
    }
    expect(seen).toEqual(every3(0, 3000, 0));
  });

  test("holds no more than its buffer, whatever the reader does", async () => {
    await fill(3000);
    const iterator = log
      .replay({ topic: "orders", partitions: [0], bufferBytes: 4_000 })
      [Symbol.asyncIterator]();
    await iterator.next();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const totalBytes = cluster.partition("orders", 0).batches.reduce((n, b) => n + b.length, 0);
    expect(totalBytes).toBeGreaterThan(30_000);
    // What was granted is spent, and no more was: the rest waits at the broker.
    expect(cluster.grantedBytes).toBeLessThanOrEqual(0);
    expect(cluster.grantedBytes).toBeGreaterThan(-600);
    await iterator.return?.();
  });

  test("ends with the caller's signal", async () => {
    await fill(30);
    const controller = new AbortController();
    const read = async (): Promise<void> => {
      for await (const record of log.replay({ topic: "orders", signal: controller.signal })) {
        if (record.offset === 5n) controller.abort();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "ABORTED" });
  });

  test("says that retention has passed it", async () => {
    await fill(3000);
    const read = async (): Promise<void> => {
      const options = { topic: "orders", partitions: [0], bufferBytes: 2_000 };
      for await (const record of log.replay(options)) {
        if (record.offset !== 10n) continue;
        cluster.partition("orders", 0).start = 900;
        cluster.moveLeader("orders", 0, 2);
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("waits for brokers that are just starting again", async () => {
    await fill(30);
    const starting = Promise.all(cluster.brokers.map((broker) => broker.stop())).then(async () => {
      await delay(1_000);
      await Promise.all(cluster.brokers.map((broker) => broker.start()));
    });
    expect((await collect()).flat()).toHaveLength(30);
    await starting;
  });

  test("gives up when nobody serves the partition", async () => {
    await fill(3000);
    const quick = connect({ brokers: cluster.addresses, requestTimeoutMs: 500 });
    const read = async (): Promise<void> => {
      const options = { topic: "orders", partitions: [0], bufferBytes: 2_000 };
      for await (const record of quick.replay(options)) {
        if (record.offset === 10n) await cluster.stop();
      }
    };
    await expect(read()).rejects.toMatchObject({ code: "REQUEST_TIMED_OUT" });
    await quick.close();
  });
});
