import { decodeUtf8, present, type Timers, sleep } from "@stratalog/base";
import type {
  TourAck,
  TourClient,
  TourGroup,
  TourMember,
  TourRecord,
  TourWrite,
} from "../tour/tour-client.ts";
import type { TourCluster } from "../tour/tour-context.ts";

/** What the fake does wrong, for tests that the tour notices. */
export type TourFault = "lost-record" | "doubled-record" | "member-skips" | "forgets-commits";

interface StoredRecord extends TourRecord {
  readonly timestampMs: number;
}

interface WaitingWrite {
  readonly write: TourWrite;
  readonly partition: number;
  readonly resolve: (ack: TourAck) => void;
}

const ACK_MS = 1;
const FAILOVER_MS = 400;
const REBALANCE_MS = 30;

/**
 * Brokers, topics and one group in memory. A killed broker's partitions take writes again after
 * FAILOVER_MS.
 */
export class FakeTourCluster implements TourClient, TourCluster {
  readonly brokerIds = [1, 2, 3];
  readonly #timers: Timers;
  readonly #fault: TourFault | undefined;
  readonly #topics = new Map<string, StoredRecord[][]>();
  readonly #leaders = new Map<number, number | undefined>();
  readonly #dead = new Set<number>();
  readonly #members = new Map<string, FakeMember>();
  readonly #committed = new Map<number, bigint>();
  #waiting: WaitingWrite[] = [];
  #storedCount = 0;

  constructor(timers: Timers, fault?: TourFault) {
    this.#timers = timers;
    this.#fault = fault;
  }

  createTopic(topic: string, partitionCount: number): Promise<void> {
    this.#topics.set(
      topic,
      Array.from({ length: partitionCount }, () => []),
    );
    for (let i = 0; i < partitionCount; i++) this.#leaders.set(i, 1 + (i % 3));
    return Promise.resolve();
  }

  listTopics(): Promise<readonly string[]> {
    return Promise.resolve([...this.#topics.keys()]);
  }

  leaders(): Promise<readonly (number | undefined)[]> {
    return Promise.resolve([...this.#leaders.values()]);
  }

  liveBrokers(): Promise<readonly number[]> {
    return Promise.resolve(this.brokerIds.filter((id) => !this.#dead.has(id)));
  }

  async kill(id: number): Promise<void> {
    this.#dead.add(id);
    const lost = [...this.#leaders].filter(([, leader]) => leader === id);
    for (const [partition] of lost) this.#leaders.set(partition, undefined);
    this.#timers.after(FAILOVER_MS, () => {
      const heir = present(
        this.brokerIds.find((other) => !this.#dead.has(other)),
        "live broker",
      );
      for (const [partition] of lost) this.#leaders.set(partition, heir);
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const item of waiting) this.#store(item);
    });
    await sleep(this.#timers, 1);
  }

  async restart(id: number): Promise<void> {
    await sleep(this.#timers, 50);
    this.#dead.delete(id);
  }

  storedCount(id: number): Promise<number | undefined> {
    return Promise.resolve(this.#dead.has(id) ? undefined : this.#storedCount);
  }

  send(write: TourWrite): Promise<TourAck> {
    const count = this.#partitions(write.topic).length;
    const partition = hash(decodeUtf8(write.key)) % count;
    return new Promise((resolve) => this.#store({ write, partition, resolve }));
  }

  join(_group: string, topic: string, name: string): TourMember {
    const member = new FakeMember(this.#partitions(topic), this.#timers, this.#committed, () => {
      this.#members.delete(name);
      this.#rebalance();
    });
    member.skips = this.#fault === "member-skips";
    member.forgets = this.#fault === "forgets-commits";
    this.#members.set(name, member);
    this.#rebalance();
    return member;
  }

  describeGroup(): Promise<TourGroup | undefined> {
    const owned = new Map([...this.#members].map(([name, member]) => [name, member.owned]));
    return Promise.resolve({ coordinatorId: 2, owned });
  }

  committedCount(): Promise<bigint> {
    return Promise.resolve([...this.#committed.values()].reduce((sum, next) => sum + next, 0n));
  }

  async *replay(topic: string, fromTimestampMs = 0): AsyncIterable<TourRecord> {
    for (const records of this.#partitions(topic)) {
      yield* records.filter((record) => record.timestampMs >= fromTimestampMs);
    }
    await Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #partitions(topic: string): StoredRecord[][] {
    return present(this.#topics.get(topic), `topic ${topic}`);
  }

  #store(item: WaitingWrite): void {
    const { write, partition, resolve } = item;
    if (this.#leaders.get(partition) === undefined) {
      this.#waiting.push(item);
      return;
    }
    const records = present(this.#partitions(write.topic)[partition], "partition");
    const offset = BigInt(records.length);
    const { value, timestampMs } = write;
    this.#storedCount += 1;
    const isFaulty = this.#storedCount === 500;
    if (!(isFaulty && this.#fault === "lost-record")) {
      records.push({ partition, offset, value, timestampMs });
    }
    if (isFaulty && this.#fault === "doubled-record") {
      records.push({ partition, offset: offset + 1n, value, timestampMs });
    }
    this.#timers.after(ACK_MS, () => resolve({ partition, offset }));
  }

  #rebalance(): void {
    const members = [...this.#members.values()];
    this.#timers.after(REBALANCE_MS, () => {
      for (const [index, member] of members.entries()) {
        member.owned = [...this.#leaders.keys()].filter((p) => p % members.length === index);
      }
    });
  }
}

class FakeMember implements TourMember {
  owned: readonly number[] = [];
  skips = false;
  forgets = false;
  readonly #partitions: StoredRecord[][];
  readonly #timers: Timers;
  readonly #committed: Map<number, bigint>;
  readonly #onLeave: () => void;
  #isClosed = false;

  constructor(
    partitions: StoredRecord[][],
    timers: Timers,
    committed: Map<number, bigint>,
    onLeave: () => void,
  ) {
    this.#partitions = partitions;
    this.#timers = timers;
    this.#committed = committed;
    this.#onLeave = onLeave;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#onLeave();
    return Promise.resolve();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<TourRecord> {
    while (!this.#isClosed) {
      for (const partition of this.owned) {
        const records = present(this.#partitions[partition], "partition");
        const next = this.#committed.get(partition) ?? 0n;
        for (const record of records.slice(Number(next))) {
          if (this.#isClosed) return;
          if (this.skips && record.offset === 20n) continue;
          yield record;
          const forgets = this.forgets && record.offset > 50n;
          if (!forgets) this.#committed.set(partition, record.offset + 1n);
        }
      }
      await sleep(this.#timers, 5);
    }
  }
}

function hash(text: string): number {
  let result = 7;
  for (let i = 0; i < text.length; i++) result = (result * 31 + text.charCodeAt(i)) % 1_000_003;
  return result;
}
