import { setTimeout as delay } from "node:timers/promises";
import { connect, type Consumer, type Stratalog } from "@stratalog/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ProcessCluster } from "./process-cluster.ts";

// A group of eight under load whose members are restarted one after the other.

const TOPIC = "events";
const PARTITIONS = 48;
const MEMBERS = 8;
const RECORDS_PER_MS = 2;

let cluster: ProcessCluster;
let client: Stratalog;

beforeAll(async () => {
  cluster = await ProcessCluster.start({ brokers: 1 });
  client = connect({ brokers: cluster.addresses });
  await client.admin().createTopic({ name: TOPIC, partitions: PARTITIONS });
}, 30_000);

afterAll(async () => {
  await client.close();
  await cluster[Symbol.asyncDispose]();
});

/** What a restart cost the partitions. */
interface Pauses {
  /** Longest time between two records of a partition that kept its owner. */
  readonly stayedMs: number;
  /** The same for those that changed it. */
  readonly movedMs: number;
  readonly movedCount: number;
}

/** Everything that the group has handled, as it happened. */
class Deliveries {
  readonly counts = Array.from({ length: PARTITIONS }, () => new Map<number, number>());
  total = 0;
  readonly #owners = Array.from({ length: PARTITIONS }, () => -1);
  readonly #lastMs = Array.from({ length: PARTITIONS }, () => performance.now());
  #longestMs = Array.from({ length: PARTITIONS }, () => 0);
  #ownersBefore: readonly number[] = [];

  note(partition: number, position: number, member: number): void {
    const counts = this.counts[partition];
    counts?.set(position, (counts.get(position) ?? 0) + 1);
    this.total++;
    const nowMs = performance.now();
    const gapMs = nowMs - (this.#lastMs[partition] ?? nowMs);
    this.#longestMs[partition] = Math.max(this.#longestMs[partition] ?? 0, gapMs);
    this.#lastMs[partition] = nowMs;
    this.#owners[partition] = member;
  }

  begin(): void {
    this.#ownersBefore = [...this.#owners];
    this.#longestMs = this.#longestMs.map(() => 0);
  }

  end(): Pauses {
    const gaps = this.#longestMs.map((gapMs, partition) => ({
      gapMs,
      moved: this.#owners[partition] !== this.#ownersBefore[partition],
    }));
    const longest = (moved: boolean): number =>
      Math.max(0, ...gaps.filter((each) => each.moved === moved).map(({ gapMs }) => gapMs));
    const movedCount = gaps.filter(({ moved }) => moved).length;
    return { stayedMs: longest(false), movedMs: longest(true), movedCount };
  }
}

/** One member: a client of its own, as in a process of its own. */
class Member {
  readonly #client: Stratalog;
  readonly consumer: Consumer;
  readonly #running: Promise<void>;

  constructor(index: number, deliveries: Deliveries) {
    this.#client = connect({ brokers: cluster.addresses, clientId: `member-${index}` });
    this.consumer = this.#client.consumer({ group: "group", topics: [TOPIC], fromBeginning: true });
    this.#running = this.consumer.run({
      concurrency: 8,
      handler: async ({ partition, position }) => {
        deliveries.note(partition, position, index);
        await delay(1);
      },
    });
  }

  async stop(): Promise<void> {
    await this.consumer.close();
    await this.#running;
    await this.#client.close();
  }
}

async function settled(members: readonly Member[]): Promise<void> {
  const isEven = (): boolean =>
    members.every(({ consumer }) => consumer.assignment.length === PARTITIONS / MEMBERS);
  while (!isEven()) await delay(10);
}

describe("a rolling restart", () => {
  it("skips nothing, repeats nothing, and stops only what moves", async () => {
    const deliveries = new Deliveries();
    const members = Array.from({ length: MEMBERS }, (_, index) => new Member(index, deliveries));
    await settled(members);
    const stop = new AbortController();
    const sending = (async () => {
      await using producer = client.producer();
      const startMs = performance.now();
      let sent = 0;
      while (!stop.signal.aborted) {
        const due = (performance.now() - startMs) * RECORDS_PER_MS;
        for (; sent < due; sent++) {
          await producer.enqueue({ topic: TOPIC, partition: sent % PARTITIONS, value: "event" });
        }
        await delay(5);
      }
      await producer.flush();
      return sent;
    })();
    await delay(1_000);
    deliveries.begin();
    await delay(1_000);
    const quiet = deliveries.end();
    const restarts: Pauses[] = [];
    for (const index of members.keys()) {
      deliveries.begin();
      await members[index]?.stop();
      members[index] = new Member(index + MEMBERS, deliveries);
      await settled(members);
      await delay(100);
      restarts.push(deliveries.end());
    }
    stop.abort();
    const sent = await sending;
    while (deliveries.total < sent) await delay(10);
    await Promise.all(members.map((member) => member.stop()));
    const most = (of: (pauses: Pauses) => number): string =>
      Math.max(...restarts.map(of)).toFixed(0);
    process.stdout.write(
      `rolling restart of ${MEMBERS} over ${PARTITIONS}, ${sent} records: longest pause of a ` +
        `partition that stayed ${most(({ stayedMs }) => stayedMs)} ms (without a restart ` +
        `${quiet.stayedMs.toFixed(0)} ms), that moved ${most(({ movedMs }) => movedMs)} ms; ` +
        `moved per restart ${restarts.map(({ movedCount }) => movedCount).join(", ")}\n`,
    );
    expect(deliveries.total).toBe(sent);
    for (const counts of deliveries.counts) {
      expect([...counts.values()].every((count) => count === 1)).toBe(true);
      expect(Math.max(...counts.keys())).toBe(counts.size - 1);
    }
  }, 90_000);
});
