// Runs under everything at once: members that come, close, are put out or die, streams that break,
// handlers that fail and take their time. Whatever happens, nothing is lost, no key is handled out
// of order by one member, and nothing is committed that is not done.
import { SeededRandom } from "@stratalog/base";
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../../grpc/connect.ts";
import { delay, FakeCluster, FakeGroup, KillableClient } from "../../testing/index.ts";
import type { Stratalog } from "../stratalog.ts";
import type { Consumer } from "./consumer.ts";

const PARTITIONS = 4;
const PER_PARTITION = 250;
const KEYS = 8;

let cluster: FakeCluster;
let group: FakeGroup;
let log: Stratalog;

beforeEach(async () => {
  cluster = await FakeCluster.start(2);
  cluster.createTopic("orders", PARTITIONS);
  group = new FakeGroup(cluster);
  log = connect({ brokers: cluster.addresses });
  const producer = log.producer({ maxBatchBytes: 500 });
  for (let n = 0; n < PARTITIONS * PER_PARTITION; n++) {
    const key = `k${Math.floor(n / PARTITIONS) % KEYS}`;
    const partition = n % PARTITIONS;
    await producer.enqueue({ topic: "orders", partition, key, value: "order" });
  }
  await producer.close();
});

afterEach(async () => {
  await log.close({ timeoutMs: 500 });
  await cluster.stop();
});

/** What all members together have done. */
class Ledger {
  readonly done = new Set<string>();
  readonly faults: string[] = [];

  /** Every commit must be of a prefix that is done. */
  watch(offsets: Map<string, number>): void {
    const store = offsets.set.bind(offsets);
    offsets.set = (key, offset) => {
      for (let position = 0; position < offset; position++) {
        if (!this.done.has(`${key}@${position}`)) this.faults.push(`${key} committed at ${offset}`);
      }
      return store(key, offset);
    };
  }
}

class Member {
  readonly #life = new KillableClient(cluster.addresses);
  readonly consumer: Consumer;
  readonly #over: Promise<void>;
  #isDead = false;

  constructor(ledger: Ledger, random: SeededRandom) {
    this.consumer = this.#life.client.consumer({
      group: "billing",
      topics: ["orders"],
      fromBeginning: true,
      commitIntervalMs: 15,
    });
    // Where each key is, since the partition was last assigned.
    const lasts = new Map<string, number>();
    this.consumer.on("revoked", () => lasts.clear());
    this.#over = this.consumer
      .run({
        concurrency: 1 + random.below(8),
        orderBy: "key",
        readAhead: 5 + random.below(100),
        retry: { attempts: 50, backoffMs: 1, maxBackoffMs: 10 },
        drainTimeoutMs: random.below(2) === 0 ? 1 : 1_000,
        handler: async ({ topic, partition, position }, { signal, attempt }) => {
          await delay(random.below(4));
          if (random.below(12) === 0) throw new Error("busy");
          if (signal.aborted) return;
          const key = `${partition} ${position % KEYS}`;
          const last = lasts.get(key) ?? -1;
          if (last > position) ledger.faults.push(`${key}: ${position} after ${last} #${attempt}`);
          lasts.set(key, position);
          ledger.done.add(`${topic}/${partition}@${position}`);
        },
      })
      .catch((error: unknown) => {
        // What the dead say does not count.
        if (!this.#isDead) ledger.faults.push(String(error));
      });
  }

  die(): void {
    this.#isDead = true;
    void this.#life.kill();
  }

  async close(): Promise<void> {
    await this.consumer.close();
    await this.#over;
  }
}

test.each([1, 2])(
  "seed %i: all is done in the end, in order, and committed",
  async (seed) => {
    const random = new SeededRandom(seed);
    const ledger = new Ledger();
    ledger.watch(group.offsets);
    const members: Member[] = [];
    const committed = (): number =>
      [...group.offsets.values()].reduce((sum, offset) => sum + offset, 0);
    const isThrough = (): boolean => committed() === PARTITIONS * PER_PARTITION;
    // A slow machine may take as long as it gets on; who stands still for 300 steps is stuck.
    let last = { committed: 0, step: 0 };
    for (let step = 0; !isThrough() && step - last.step < 300; step++) {
      if (committed() !== last.committed) last = { committed: committed(), step };
      const dice = random.below(100);
      if (members.length === 0 || (dice < 20 && members.length < 3 && step < 60)) {
        members.push(new Member(ledger, random));
      } else if (dice < 26 && step < 60) {
        const [member] = members.splice(random.below(members.length), 1);
        await member?.close();
      } else if (dice < 30 && step < 60) {
        for (const id of group.members.keys()) group.fence(id);
      } else if (dice < 34 && step < 60) group.breakStreams();
      else if (dice < 38 && step < 60) {
        const [member] = members.splice(random.below(members.length), 1);
        member?.die();
        for (const id of group.members.keys()) group.fence(id);
      }
      // The dead may have been about to join.
      for (const [id, { session }] of step % 20 === 0 ? group.members : []) {
        if (session === undefined) group.fence(id);
      }
      await delay(20);
    }
    await Promise.all(members.map((member) => member.close()));
    expect(ledger.faults).toEqual([]);
    expect(isThrough()).toBe(true);
    expect(ledger.done.size).toBe(PARTITIONS * PER_PARTITION);
  },
  60_000,
);
