// Consumers against brokers and a coordinator that speak real gRPC on loopback.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { FakeCluster, FakeGroup } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";
import type { Consumer } from "./consumer.ts";

let cluster: FakeCluster;
let group: FakeGroup;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("orders", 4);
  group = new FakeGroup(cluster);
  log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 }).catch(() => {});
  await cluster.stop();
});

/** Sends values 0 to count − 1, value n to partition n modulo 4. */
async function fill(count: number): Promise<void> {
  const producer = log.producer({ maxBatchBytes: 500 });
  for (let index = 0; index < count; index++) {
    await producer.enqueue({ topic: "orders", partition: index % 4, value: String(index) });
  }
  await producer.close();
}

function member(options: object = {}): Consumer {
  return log.consumer({
    group: "billing",
    topics: ["orders"],
    fromBeginning: true,
    commitIntervalMs: 50,
    ...options,
  });
}

async function take(consumer: Consumer, count: number): Promise<readonly number[]> {
  const seen: number[] = [];
  if (count === 0) return seen;
  for await (const record of consumer) {
    seen.push(Number(record.text()));
    if (seen.length === count) break;
  }
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  for (let round = 0; round < 500 && !condition(); round++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(condition()).toBe(true);
}

const stored = (): number => [...group.offsets.values()].reduce((sum, offset) => sum + offset, 0);

describe("a member of a group", () => {
  test("reads everything once, in order within a partition", async () => {
    await fill(400);
    const consumer = member();
    const seen = await take(consumer, 400);
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
    for (const partition of [0, 1, 2, 3]) {
      const own = seen.filter((value) => value % 4 === partition);
      expect(own).toEqual([...own].sort((a, b) => a - b));
    }
    expect(consumer.positions.map(({ lag }) => lag)).toEqual([0n, 0n, 0n, 0n]);
  });

  test("commits what the loop has passed and not the record in hand", async () => {
    await fill(40);
    const consumer = member();
    await take(consumer, 40);
    await consumer.close();
    expect(stored()).toBe(39);
  });

  test("goes on where the group was", async () => {
    await fill(400);
    const first = member();
    const seen = [...(await take(first, 100))];
    await first.commit();
    await first.close();
    expect(stored()).toBe(100);
    const second = member();
    seen.push(...(await take(second, 300)));
    expect([...seen].sort((a, b) => a - b)).toEqual(Array.from({ length: 400 }, (_, i) => i));
  });

  test("begins at the end when nothing was stored and nobody says otherwise", async () => {
    await fill(40);
    const consumer = log.consumer({ group: "billing", topics: ["orders"], commitIntervalMs: 20 });
    const assigned = new Promise<void>((resolve) => {
      consumer.on("assigned", () => resolve());
    });
    const reading = take(consumer, 1);
    await assigned;
    await log.producer().send({ topic: "orders", partition: 2, value: "777" });
    expect(await reading).toEqual([777]);
    // Where it began is stored at once: a restart before the first record loses nothing.
    await until(() => group.offsets.get("orders/0") === 10);
  });

  test("by manual commit stores only what it is told", async () => {
    await fill(40);
    const consumer = member({ commit: "manual" });
    for await (const record of consumer) {
      if (record.partition === 1 && record.offset === 4n) {
        await consumer.commit(record);
        break;
      }
    }
    await consumer.close();
    expect([...group.offsets]).toEqual([["orders/1", 5]]);
  });

  test("shares partitions with another member without losing or repeating a record", async () => {
    await fill(400);
    const first = member();
    const second = member();
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
    await fill(40);
    const consumer = member();
    consumer.on("assigned", async (partitions) => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const each of partitions) consumer.seek({ ...each, offset: 9 });
    });
    expect([...(await take(consumer, 4))].sort((a, b) => a - b)).toEqual([36, 37, 38, 39]);
  });

  test("waits for the loop before it gives a partition up", async () => {
    await fill(4);
    const events: string[] = [];
    const first = member();
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
    const second = member();
    const reading = take(second, 1);
    // Told, and still there: what it was told crosses a socket.
    await until(() => group.members.size === 2);
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
    await fill(4);
    const first = member();
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
    const second = member();
    const reading = take(second, 1);
    await until(() => first.assignment.length === 4 && group.members.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await first.close({ timeoutMs: 1_000 });
    release();
    await loop;
    expect((await reading).length).toBe(1);
    await until(() => second.assignment.length === 4);
  });

  test("commits of a batch that was taken away in its midst only what the loop had read", async () => {
    const producer = log.producer();
    const values = Array.from({ length: 10 }, (_, index) => String(index));
    await Promise.all(
      values.map((value) => producer.send({ topic: "orders", partition: 1, value })),
    );
    await producer.close();
    const first = member();
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
    const second = member();
    const reading = take(second, 7);
    // Told, and still there: what it was told crosses a socket.
    await until(() => group.members.size === 2);
    await new Promise((resolve) => setTimeout(resolve, 200));
    release();
    expect(await reading).toEqual([3, 4, 5, 6, 7, 8, 9]);
    expect(seen).toEqual(["0", "1", "2"]);
    await Promise.all([first.close(), second.close(), loop]);
  });

  test("gets the record again that its last loop was left with, in its partition's order", async () => {
    await fill(40);
    const consumer = member();
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
    await fill(4);
    const consumer = log.consumer({ assign: [{ topic: "orders", partition: 0, offset: 0 }] });
    expect(await take(consumer, 1)).toEqual([0]);
    expect(await take(consumer, 1)).toEqual([0]);
    consumer.pass();
    expect(consumer.positions[0]?.offset).toBe(1n);
    await log.producer().send({ topic: "orders", partition: 0, value: "9" });
    expect(await take(consumer, 1)).toEqual([9]);
  });

  test("that has left its loop does not hold up the group", async () => {
    await fill(40);
    const first = member();
    await take(first, 1);
    for await (const batch of first.batches()) {
      expect(batch.count).toBeGreaterThan(0);
      break;
    }
    const second = member();
    const reading = take(second, 5);
    await until(() => second.assignment.length === 2);
    expect((await reading).length).toBe(5);
    expect(first.assignment.length).toBe(2);
  });

  test("pings while the loop is busy", async () => {
    await fill(4);
    for await (const record of member()) {
      expect(record.offset).toBe(0n);
      const before = group.pings;
      await until(() => group.pings > before + 3);
      break;
    }
  });

  test("comes back with what it owns when its stream breaks", async () => {
    await fill(400);
    const consumer = member();
    const revoked: unknown[] = [];
    consumer.on("revoked", (partitions) => {
      revoked.push(partitions);
    });
    const seen: number[] = [];
    for await (const record of consumer) {
      seen.push(Number(record.text()));
      if (seen.length === 50) group.breakStreams();
      if (seen.length === 100) group.coordinator = 2;
      if (seen.length === 120) group.breakStreams();
      if (seen.length === 400) break;
    }
    await consumer.commit();
    expect(new Set(seen).size).toBe(400);
    expect(revoked).toEqual([]);
    expect(stored()).toBe(400);
  });

  test("that is fenced loses everything, says so, and joins again", async () => {
    await fill(40);
    const consumer = member();
    const reasons: string[] = [];
    consumer.on("revoked", (_partitions, reason) => {
      reasons.push(reason);
    });
    let count = 0;
    for await (const record of consumer) {
      expect(record.topic).toBe("orders");
      count++;
      if (count === 20) for (const id of group.members.keys()) group.fence(id);
      if (count === 20) await until(() => reasons.length === 1);
      if (count >= 20 && reasons.length === 1 && count === 45) break;
      if (count === 40) await log.producer().sendBatch({ topic: "orders", records: extra(20) });
    }
    expect(reasons).toEqual(["lost"]);
  });

  test("that nobody reads any more leaves, and comes back when somebody does", async () => {
    await fill(40);
    const consumer = member({ maxPollIntervalMs: 200 });
    await take(consumer, 1);
    await until(() => group.members.size === 0);
    expect(consumer.assignment).toEqual([]);
    expect((await take(consumer, 4)).length).toBe(4);
    consumer.pass();
    await until(() => group.members.size === 0);
    const broken = consumer.run({
      retry: { attempts: 1 },
      handler: () => {
        throw new Error("no stock");
      },
    });
    await expect(broken).rejects.toThrow("no stock");
    await until(() => group.members.size === 0);
    // As long as somebody waits for records, it stays.
    const seen = new Set<number>();
    const running = consumer.run({ handler: (record) => void seen.add(Number(record.text())) });
    await until(() => stored() === 40);
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(group.members.size).toBe(1);
    await consumer.close();
    await running;
  });

  test("that hangs in its loop leaves, and comes back when it goes on", async () => {
    await fill(40);
    const consumer = member({ maxPollIntervalMs: 200 });
    const reasons: string[] = [];
    consumer.on("revoked", (_partitions, reason) => {
      reasons.push(reason);
    });
    let count = 0;
    for await (const record of consumer) {
      expect(record.topic).toBe("orders");
      count++;
      if (count === 1) await until(() => reasons.length === 1 && group.members.size === 0);
      if (count === 20) break;
    }
    expect(group.members.size).toBe(1);
  });
});

describe("when brokers fall silent", () => {
  test("a consumer leaves a leader that answers nothing and leads no more", async () => {
    await fill(40);
    const assign = [{ topic: "orders", partition: 0, offset: 0 }];
    const consumer = log.consumer({ assign });
    expect((await take(consumer, 10)).length).toBe(10);
    consumer.pass();
    cluster.broker(1).isMute = true;
    cluster.moveLeader("orders", 0, 2);
    const startMs = performance.now();
    const reading = take(consumer, 1);
    await log.producer().send({ topic: "orders", partition: 0, value: "99" });
    expect(await reading).toEqual([99]);
    expect(performance.now() - startMs).toBeLessThan(6_000);
  });

  test("a member whose coordinator is gone for a session's length gives everything up", async () => {
    await fill(40);
    const consumer = member({ sessionTimeoutMs: 1_000 });
    const reasons: string[] = [];
    consumer.on("revoked", (_partitions, reason) => {
      reasons.push(reason);
    });
    await take(consumer, 10);
    group.isGone = true;
    group.breakStreams();
    await until(() => reasons.length === 1);
    expect(reasons).toEqual(["lost"]);
    expect(consumer.assignment).toEqual([]);
    group.isGone = false;
    expect((await take(consumer, 5)).length).toBe(5);
  });
});

describe("any consumer", () => {
  test("reads the partitions that it is told to, from where it is told", async () => {
    await fill(400);
    const consumer = log.consumer({
      assign: [
        { topic: "orders", partition: 1, offset: 90n },
        { topic: "orders", partition: 2, offset: "latest" },
      ],
    });
    expect(await take(consumer, 10)).toEqual([361, 365, 369, 373, 377, 381, 385, 389, 393, 397]);
    await expect(consumer.commit()).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });

  test("goes to a time, to the beginning and to the end", async () => {
    const producer = log.producer();
    for (const value of [0, 1, 2, 3]) {
      const timestamp = 1_000 + value * 100;
      await producer.send({ topic: "orders", partition: 0, value: String(value), timestamp });
    }
    const offset = { timestamp: new Date(1_150) };
    const consumer = log.consumer({ assign: [{ topic: "orders", partition: 0, offset }] });
    expect(await take(consumer, 2)).toEqual([2, 3]);
    await consumer.seekTo("earliest");
    expect(await take(consumer, 1)).toEqual([0]);
    await consumer.seekTo({ timestamp: 1_100 }, consumer.assignment);
    expect(await take(consumer, 1)).toEqual([1]);
    await consumer.seekTo("latest");
    expect(consumer.positions[0]?.offset).toBe(4n);
  });

  test("goes where it is sent, and stops where it is paused", async () => {
    await fill(400);
    const consumer = log.consumer({
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
    await fill(400);
    cluster.partition("orders", 0).start = 50;
    const assign = [{ topic: "orders", partition: 0, offset: 10 }];
    const lenient = log.consumer({ assign, autoOffsetReset: "earliest" });
    expect((await take(lenient, 1)).length).toBe(1);
    expect(lenient.positions[0]?.offset).toBe(51n);
    const strict = log.consumer({ assign, autoOffsetReset: "none" });
    await expect(take(strict, 1)).rejects.toMatchObject({ code: "OFFSET_OUT_OF_RANGE" });
  });

  test("close ends a loop that waits, in bounded time, when no broker is left", async () => {
    await fill(4);
    const consumer = member();
    const loop = take(consumer, 5);
    await until(() => consumer.positions.every(({ lag }) => lag === 0n) && stored() === 4);
    await cluster.stop();
    const startMs = performance.now();
    await consumer.close({ timeoutMs: 300 });
    expect(performance.now() - startMs).toBeLessThan(1_500);
    expect((await loop).length).toBe(4);
  });

  test("tries again in the next loop when it could not begin", async () => {
    const lone = connect({ brokers: cluster.addresses, requestTimeoutMs: 300 });
    cluster.moveLeader("orders", 0, 9);
    const consumer = lone.consumer({
      assign: [{ topic: "orders", partition: 0, offset: "latest" }],
    });
    await expect(take(consumer, 1)).rejects.toMatchObject({ retriable: true });
    cluster.moveLeader("orders", 0, 1);
    const reading = take(consumer, 1);
    await until(() => consumer.positions[0]?.lag === 0n);
    await log.producer().send({ topic: "orders", partition: 0, value: "5" });
    expect(await reading).toEqual([5]);
    await lone.close();
  });

  test("needs a group and topics, or partitions", () => {
    expect(() => log.consumer({ group: "g", topics: [] })).toThrow("topics");
  });
});

function extra(count: number): readonly { readonly partition: number; readonly value: string }[] {
  return Array.from({ length: count }, (_, index) => ({ partition: index % 4, value: "1000" }));
}
