import { setTimeout as delay } from "node:timers/promises";
import { CodedError, connect, type GroupConsumerOptions, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canRun, isRequired } from "../skips.ts";
import { ProcessCluster } from "./process-cluster.ts";

// What a handler that blocks the event loop costs, with the coordinator in a process of its own.

let cluster: ProcessCluster;
let client: Stratalog;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ brokers: 1 });
  client = connect({ brokers: cluster.addresses });
}, 30_000);

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

/** What became of a member that blocked its event loop at the first record. */
interface Blocked {
  /** Why partitions went, if any did. */
  readonly lost: readonly string[];
  /** "stored", or the code of the refusal, of the commit of the record in hand. */
  readonly commit: string;
  /** Values that were handled, in the order that they were. */
  readonly values: readonly (string | null)[];
  readonly pauseMs: number;
}

/** Nothing of this process runs meanwhile: no timer, no socket. */
function blockEventLoop(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

async function block(
  topic: string,
  blockMs: number,
  options: Partial<GroupConsumerOptions>,
): Promise<Blocked> {
  await client.admin().createTopic({ name: topic, partitions: 1 });
  const producer = client.producer();
  for (const value of ["a", "b", "c"]) await producer.send({ topic, value });
  const group = `${topic}-group`;
  const subscription = { group, topics: [topic], fromBeginning: true, commit: "manual" } as const;
  const consumer = client.consumer({ ...subscription, ...options });
  const lost: string[] = [];
  consumer.on("revoked", (_partitions, reason) => void lost.push(reason));
  const values: (string | null)[] = [];
  let commit = "";
  let pauseMs = 0;
  for await (const record of consumer) {
    values.push(record.text());
    if (values.length === 1) {
      const startMs = performance.now();
      blockEventLoop(blockMs);
      // The loop runs again: what came meanwhile is heard before the record is committed.
      await delay(1_500);
      commit = await consumer.commit(record).then(
        () => "stored",
        (error: unknown) => CodedError.from(error).code,
      );
      pauseMs = performance.now() - startMs;
    }
    if (values.at(-1) === "c") break;
  }
  await consumer.close();
  return { lost, commit, values, pauseMs };
}

describe("a handler that blocks the event loop", () => {
  it("keeps its partitions when that is shorter than the session", async () => {
    const blocked = await block("short", 2_500, { sessionTimeoutMs: 4_000 });
    expect(blocked).toMatchObject({ lost: [], commit: "stored", values: ["a", "b", "c"] });
  }, 30_000);

  it.each(["loop", "run"])(
    "keeps them through many such blocks without a pause: %s",
    async (how) => {
      const topic = `many-${how}`;
      await client.admin().createTopic({ name: topic, partitions: 1 });
      const records = ["a", "b", "c", "d"].map((value) => ({ value }));
      await client.producer().sendBatch({ topic, records });
      const options = {
        group: topic,
        topics: [topic],
        fromBeginning: true,
        sessionTimeoutMs: 2_000,
      };
      await using consumer = client.consumer(options);
      const lost: string[] = [];
      consumer.on("revoked", (_partitions, reason) => void lost.push(reason));
      const values: (string | null)[] = [];
      const stop = new AbortController();
      const handle = (value: string | null): void => {
        values.push(value);
        blockEventLoop(800);
        if (value === "d") stop.abort();
      };
      if (how === "run") {
        const { signal } = stop;
        const running = consumer.run({ signal, handler: (record) => handle(record.text()) });
        await expect(running).rejects.toMatchObject({ code: "ABORTED" });
      } else {
        for await (const record of consumer) {
          handle(record.text());
          if (stop.signal.aborted) break;
        }
      }
      await delay(500);
      expect({ lost, values }).toEqual({ lost: [], values: ["a", "b", "c", "d"] });
    },
    30_000,
  );

  it("loses them when it is longer, and its late commit is refused", async () => {
    const blocked = await block("long", 3_500, { sessionTimeoutMs: 1_500 });
    expect(blocked.lost).toEqual(["lost"]);
    expect(blocked.commit).toBe("FENCED_MEMBER_EPOCH");
    // Nothing was committed, so that it comes again.
    expect(blocked.values).toEqual(["a", "a", "b", "c"]);
  }, 30_000);

  const isSlow = canRun({
    need: "slow",
    isMet: isRequired("slow"),
    name: "a handler that blocks for 40 s",
    reason: "it takes 45 s; STRATALOG_REQUIRE=slow runs it",
  });
  it.skipIf(!isSlow)(
    "for 40 s keeps its partitions with the session that is default",
    async () => {
      const blocked = await block("default", 40_000, {});
      process.stdout.write(`blocked for 40 s: commit after ${blocked.pauseMs.toFixed(0)} ms\n`);
      expect(blocked).toMatchObject({ lost: [], commit: "stored", values: ["a", "b", "c"] });
    },
    90_000,
  );
});

describe("a handler that takes longer than maxPollIntervalMs", () => {
  it("is told, loses its partitions to another member, and its late commit is refused", async () => {
    const topic = "poll";
    await client.admin().createTopic({ name: topic, partitions: 2 });
    await client.producer().send({ topic, partition: 0, value: "slow" });
    const subscription = { group: "pollers", topics: [topic], fromBeginning: true } as const;
    await using slow = client.consumer({ ...subscription, maxPollIntervalMs: 1_000 });
    const reasons: string[] = [];
    slow.on("revoked", (_partitions, reason) => void reasons.push(reason));
    const outcome: { abortedMs: number; commit: string }[] = [];
    const running = slow.run({
      handler: async (record, { signal }) => {
        const startMs = performance.now();
        await new Promise<void>((resolve) => {
          signal.addEventListener("abort", () => resolve());
        });
        const abortedMs = performance.now() - startMs;
        // Whoever gets the partition is through with the record before this one comes back.
        while (taken.length === 0) await delay(20);
        const commit = await slow.commit(record).then(
          () => "stored",
          (error: unknown) => CodedError.from(error).code,
        );
        outcome.push({ abortedMs, commit });
      },
    });
    const taken: (string | null)[] = [];
    while (slow.assignment.length < 2) await delay(20);
    const other = connect({ brokers: cluster.addresses });
    const heir = other.consumer(subscription);
    const inheriting = heir.run({ handler: (record) => void taken.push(record.text()) });
    while (outcome.length === 0) await delay(20);
    expect(taken).toEqual(["slow"]);
    expect(outcome[0]?.commit).toBe("FENCED_MEMBER_EPOCH");
    expect(outcome[0]?.abortedMs).toBeGreaterThan(900);
    expect(reasons).toContain("lost");
    // It is back for more.
    while (slow.assignment.length !== 1) await delay(20);
    await slow.close();
    await running;
    await other.close();
    await inheriting;
  }, 30_000);
});
