// What a consumer that dies at the worst moment costs, for each way to commit.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { FakeCluster, FakeGroup, KillableClient } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";
import type { CommitMode, GroupConsumerOptions } from "./consumer-options.ts";

let cluster: FakeCluster;
let group: FakeGroup;
let log: Stratalog;
const clients: KillableClient[] = [];

beforeEach(async () => {
  cluster = await FakeCluster.start(1);
  cluster.createTopic("payments", 1);
  group = new FakeGroup(cluster);
  log = connect({ brokers: cluster.addresses });
  const producer = log.producer();
  // Batches of ten.
  for (let n = 0; n < COUNT; n += 10) {
    const records = numbers.slice(n, n + 10).map((value) => ({ value: String(value) }));
    await producer.sendBatch({ topic: "payments", records });
  }
  await producer.close();
});

afterEach(async () => {
  for (const each of clients.splice(0)) void each.kill();
  await log.close({ timeoutMs: 500 });
  await cluster.stop();
});

const COUNT = 100;
const numbers = Array.from({ length: COUNT }, (_, n) => n);

function start(): KillableClient {
  const client = new KillableClient(cluster.addresses);
  clients.push(client);
  return client;
}

function options(commit: CommitMode): GroupConsumerOptions {
  // A commit every 20 ms, so that a death always finds something that is not committed.
  const reading = { fromBeginning: true, commitIntervalMs: 20 } as const;
  return { group: "ledger", topics: ["payments"], commit, ...reading };
}

/** The group notices a death when the session times out. */
function expireSessions(): void {
  for (const id of group.members.keys()) group.fence(id);
}

/**
 * Handles payments one after the other, and dies for the `deathAt`th handled, `before` its effect
 * or `after` it; the next client goes on. Gives everything that took effect, in that order.
 */
async function handleAll(
  commit: CommitMode,
  deaths: readonly { readonly at: number; readonly when: "before" | "after" }[],
): Promise<readonly number[]> {
  const effects: number[] = [];
  for (const death of [...deaths, undefined]) {
    const life = start();
    const consumer = life.client.consumer(options(commit));
    let died = (): void => {};
    const dead = new Promise<void>((resolve) => {
      died = resolve;
    });
    const loop = (async () => {
      for await (const record of consumer) {
        const value = Number(record.text());
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (death?.at === value && death.when === "before") {
          died();
          await life.kill();
        }
        effects.push(value);
        if (death?.at === value) {
          died();
          await life.kill();
        }
        if (value === COUNT - 1) break;
      }
    })();
    await Promise.race([loop, dead]);
    expireSessions();
  }
  return effects;
}

describe("a consumer that dies", () => {
  test("with commit before repeats nothing: at most once", async () => {
    const effects = await handleAll("before", [
      { at: 20, when: "after" },
      { at: 60, when: "before" },
    ]);
    // What it loses is the rest of the batch that it was at.
    const lost = (n: number): boolean => (n > 20 && n < 30) || (n >= 60 && n < 70);
    expect(effects).toEqual(numbers.filter((n) => !lost(n)));
  });

  test("with commit after loses nothing, and repeats what was not committed: at least once", async () => {
    const effects = await handleAll("after", [
      { at: 20, when: "after" },
      { at: 60, when: "before" },
    ]);
    expect([...new Set(effects)].toSorted((a, b) => a - b)).toEqual(numbers);
    // Its effect was there and its offset was not: the worst moment.
    expect(effects.filter((value) => value === 20)).toHaveLength(2);
    const committed = effects.indexOf(20, effects.indexOf(20) + 1);
    expect(effects.length - COUNT).toBeLessThanOrEqual(committed);
  });

  test("that closes in good order loses and repeats nothing, however it commits", async () => {
    for (const commit of ["before", "after"] as const) {
      const own = { ...options(commit), group: `tidy-${commit}` };
      const effects: number[] = [];
      while (effects.length < COUNT) {
        const consumer = log.consumer(own);
        const end = Math.min(COUNT, effects.length + 23);
        for await (const record of consumer) {
          effects.push(Number(record.text()));
          if (effects.length < end) continue;
          consumer.pass();
          break;
        }
        await consumer.close();
      }
      expect(effects, commit).toEqual(numbers);
      group.offsets.clear();
    }
  });

  test("and keeps its state and its offset in one write does everything once", async () => {
    // A database with one row for the partition; a write takes place as a whole or not at all, and
    // only when nobody else has written meanwhile.
    let row = { sum: 0, count: 0, offset: 0n };
    const write = (from: typeof row, to: typeof row): void => {
      if (row !== from) throw new Error("another consumer has the partition by now");
      row = to;
    };
    const zombies: string[] = [];
    const live = async (dieAt: number, when: "before" | "after" | "never"): Promise<void> => {
      const life = start();
      const consumer = life.client.consumer(options("manual"));
      consumer.on("assigned", (partitions) => {
        for (const partition of partitions) consumer.seek({ ...partition, offset: row.offset });
      });
      let died = (): void => {};
      const dead = new Promise<void>((resolve) => {
        died = resolve;
      });
      const loop = (async () => {
        for await (const record of consumer) {
          const value = Number(record.text());
          const from = row;
          const isDeath = value === dieAt;
          if (isDeath && when === "before") {
            died();
            // It is taken for dead, and its write is still on its way to the database.
            while (row === from) await new Promise((resolve) => setTimeout(resolve, 5));
          }
          try {
            const { sum, count } = from;
            write(from, { sum: sum + value, count: count + 1, offset: record.offset + 1n });
          } catch (error) {
            zombies.push(String(error));
            await life.kill();
          }
          if (isDeath && when === "after") {
            died();
            await life.kill();
          }
          if (record.offset === BigInt(COUNT - 1)) break;
        }
      })();
      await Promise.race([loop, dead]);
      expireSessions();
    };
    await live(20, "after");
    await live(60, "before");
    await live(COUNT, "never");
    expect(row).toEqual({ sum: (COUNT * (COUNT - 1)) / 2, count: COUNT, offset: BigInt(COUNT) });
    while (zombies.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(zombies).toEqual(["Error: another consumer has the partition by now"]);
    expect(row.count).toBe(COUNT);
  });
});
