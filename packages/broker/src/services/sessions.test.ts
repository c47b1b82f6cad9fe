// Sessions against partitions that a test holds by the hand: order, credit, news during a read, and
// that nothing is left over.
import { CodedError, type Deferred, deferred } from "@stratalog/base";
import { ManualTime, settle } from "@stratalog/base/testing";
import type { FetchResult, PartitionService, ProduceResult } from "@stratalog/partition";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReplicaPlace } from "../replicas/replica-lookup.ts";
import { ByteBudget } from "./byte-budget.ts";
import { ConsumeSession } from "./consume-session.ts";
import { PartitionFinder } from "./partition-finder.ts";
import { ProduceService } from "./produce-service.ts";
import { type AppendOutcome, ProduceSession } from "./produce-session.ts";
import { noServiceMetrics } from "./service-metrics.ts";
import type { ConsumePush } from "./subscription.ts";
import { FakeCluster } from "./testing/fake-cluster.ts";

/** A partition of batches of 10 bytes, one record each, that answers when told to. */
class HeldPartition {
  readonly appends: Deferred<ProduceResult>[] = [];
  readonly reads: { offset: number; answer: () => void }[] = [];
  readonly listeners = new Set<() => void>();
  mode: "now" | "later" = "now";
  end = 0;
  failure: CodedError | undefined;

  get service(): PartitionService {
    const fake: Pick<PartitionService, "produce" | "read" | "onAvailable"> = {
      produce: () => {
        const append = deferred<ProduceResult>();
        this.appends.push(append);
        return append.promise;
      },
      read: ({ offset, maxBytes }) => this.#read(offset, maxBytes),
      onAvailable: (callback) => {
        this.listeners.add(callback);
        return () => this.listeners.delete(callback);
      },
    };
    // The sessions use no more of it than this.
    return fake as PartitionService;
  }

  grow(count: number): void {
    this.end += count;
    for (const listener of this.listeners) listener();
  }

  #read(offset: number, maxBytes: number): FetchResult | Promise<FetchResult> {
    if (this.failure !== undefined) throw this.failure;
    const count = Math.min(this.end - offset, Math.max(1, Math.floor(maxBytes / 10)));
    const result = {
      batches: Array.from({ length: count }, () => new Uint8Array(10)),
      bytes: count * 10,
      nextOffset: offset + count,
      highWatermark: this.end,
      logStartOffset: 0,
      leaderEpoch: 1,
    };
    if (this.mode === "now") return result;
    return new Promise((resolve) => {
      this.reads.push({ offset, answer: () => resolve(result) });
    });
  }
}

function finderOf(...partitions: HeldPartition[]): PartitionFinder {
  const lookup = (_topic: string, partition: number): ReplicaPlace => {
    const found = partitions[partition];
    return found === undefined ? { kind: "unknown" } : { kind: "local", replica: found.service };
  };
  return new PartitionFinder({ lookup }, FakeCluster.formed());
}

function consume(partitions: HeldPartition[], limits = {}) {
  const time = new ManualTime();
  const messages: (readonly ConsumePush[])[] = [];
  const stream = {
    isWritable: true,
    send: (pushes: readonly ConsumePush[]) => {
      messages.push(pushes);
    },
  };
  const finder = finderOf(...partitions);
  const options = { finder, stream, timers: time, metrics: noServiceMetrics, limits };
  const session = new ConsumeSession(options);
  const offsets = (id: number): number[] =>
    messages.flat().flatMap((push) => ("error" in push || push.id !== id ? [] : [push.nextOffset]));
  return { session, stream, messages, time, offsets };
}

describe("ConsumeSession", () => {
  it("does not lose news that come while a read is under way", async () => {
    const partition = new HeldPartition();
    partition.mode = "later";
    partition.end = 1;
    const { session, time, offsets } = consume([partition]);
    session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
    session.grant(1_000);
    time.advance(0);
    expect(partition.reads).toHaveLength(1);
    // The read was answered from before the growth, and its answer comes after the news.
    partition.grow(1);
    time.advance(0);
    partition.reads[0]?.answer();
    await time.advanceAsync(0);
    partition.reads[1]?.answer();
    await time.advanceAsync(0);
    expect(offsets(1)).toEqual([1, 2]);
  });

  it("drops the answer to a read from before a seek", async () => {
    const partition = new HeldPartition();
    partition.mode = "later";
    partition.end = 5;
    const { session, time, messages } = consume([partition]);
    session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
    session.grant(1_000);
    time.advance(0);
    session.seek(1, 3, 9);
    partition.reads[0]?.answer();
    await time.advanceAsync(0);
    expect(messages).toEqual([]);
    expect(partition.reads[1]?.offset).toBe(3);
    partition.reads[1]?.answer();
    await time.advanceAsync(0);
    expect(messages.flat()).toMatchObject([{ generation: 9, nextOffset: 5 }]);
  });

  it("reads nothing without credit or room, and says an error all the same", () => {
    const partition = new HeldPartition();
    partition.end = 3;
    const { session, stream, time, messages } = consume([partition]);
    session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
    time.advance(0);
    expect(messages).toEqual([]);
    session.subscribe({ id: 2, topic: "t", partition: 9, offset: 0 });
    time.advance(0);
    expect(messages.flat()).toMatchObject([{ id: 2 }]);
    stream.isWritable = false;
    session.grant(1_000);
    time.advance(0);
    expect(messages).toHaveLength(1);
    stream.isWritable = true;
    session.onWritable();
    expect(messages.flat()[1]).toMatchObject({ id: 1, nextOffset: 3 });
    expect(session.creditBytes).toBe(970);
  });

  it("gives every subscription its turn", () => {
    const partitions = [new HeldPartition(), new HeldPartition(), new HeldPartition()];
    for (const partition of partitions) partition.end = 100;
    const limits = { messageBytes: 20, partitionBytes: 20 };
    const { session, time, messages } = consume(partitions, limits);
    for (const index of [0, 1, 2]) {
      session.subscribe({ id: index, topic: "t", partition: index, offset: 0 });
    }
    session.grant(120);
    time.advance(0);
    expect(messages.flat().map((push) => push.id)).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it("lets go of everything when it closes", async () => {
    const partition = new HeldPartition();
    partition.mode = "later";
    partition.end = 1;
    const { session, time, messages } = consume([partition]);
    session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
    session.grant(10);
    time.advance(0);
    expect(partition.listeners.size).toBe(1);
    session.close();
    expect(partition.listeners.size).toBe(0);
    partition.reads[0]?.answer();
    await time.advanceAsync(0);
    expect(messages).toEqual([]);
    expect(time.pendingCount).toBe(0);
  });

  it("has bounds on subscriptions and credit", () => {
    const { session } = consume([new HeldPartition()], { subscriptionCount: 1, creditBytes: 100 });
    session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
    const more = () => session.subscribe({ id: 2, topic: "t", partition: 0, offset: 0 });
    expect(more).toThrow("1 subscriptions");
    session.grant(4_000_000_000);
    expect(session.creditBytes).toBe(100);
  });

  it("pushes every record once and in order, whatever happens in which order", async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("grow" as const), count: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ kind: fc.constant("grant" as const), count: fc.integer({ min: 1, max: 60 }) }),
      fc.record({ kind: fc.constantFrom("pause", "resume", "answer", "block", "turn") }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.boolean(), async (steps, isLater) => {
        const partition = new HeldPartition();
        partition.mode = isLater ? "later" : "now";
        const { session, stream, time, messages } = consume([partition], { messageBytes: 30 });
        session.subscribe({ id: 1, topic: "t", partition: 0, offset: 0 });
        for (const one of steps) {
          if (one.kind === "grow") partition.grow(one.count);
          else if (one.kind === "grant") session.grant(one.count);
          else if (one.kind === "pause") session.pause([1]);
          else if (one.kind === "resume") session.resume([1]);
          else if (one.kind === "answer") partition.reads.shift()?.answer();
          else if (one.kind === "block") stream.isWritable = !stream.isWritable;
          await time.advanceAsync(1);
        }
        stream.isWritable = true;
        session.resume([1]);
        session.grant(1_000_000);
        session.onWritable();
        for (let turn = 0; turn < 500; turn++) {
          partition.reads.shift()?.answer();
          await time.advanceAsync(0);
          const last = messages.flat().at(-1);
          if (last !== undefined && "nextOffset" in last && last.nextOffset === partition.end)
            break;
        }
        const pushes = messages.flat().filter((push) => "nextOffset" in push);
        let offset = 0;
        for (const push of pushes) {
          offset += push.batches.length;
          expect(push.nextOffset).toBe(offset);
        }
        expect(offset).toBe(partition.end);
      }),
      { numRuns: 100 },
    );
  });
});

describe("ProduceSession", () => {
  const batch = new Uint8Array(100);
  const append = { topic: "t", partition: 0, batch, acks: "all" as const, timeoutMs: 1_000 };
  const result = { baseOffset: 0, leaderEpoch: 1, logStartOffset: 0, duplicate: false };

  function produce(limits = { inflightBytes: 250, inflightCount: 100 }, budgetBytes = 1_000) {
    const time = new ManualTime();
    const partition = new HeldPartition();
    const budget = new ByteBudget(budgetBytes);
    const service = new ProduceService({
      finder: finderOf(partition),
      budget,
      clock: time,
      metrics: noServiceMetrics,
    });
    const sent: (readonly AppendOutcome[])[] = [];
    const stream = {
      isWritable: true,
      isReading: true,
      isEnded: false,
      send: (outcomes: readonly AppendOutcome[]) => {
        sent.push(outcomes);
      },
      setReading: (isReading: boolean) => {
        stream.isReading = isReading;
      },
      end: () => {
        stream.isEnded = true;
      },
    };
    const session = new ProduceSession({ service, stream, timers: time, limits });
    return { session, stream, sent, time, partition, budget };
  }

  it("gathers the answers of one turn into one message", async () => {
    const { session, sent, time, partition } = produce();
    for (const correlation of [1, 2, 3]) session.push({ ...append, correlation });
    for (const held of partition.appends) held.resolve(result);
    await time.advanceAsync(0);
    expect(sent.map((outcomes) => outcomes.map((one) => one.correlation))).toEqual([[1, 2, 3]]);
  });

  it("stops reading at its own bounds and at the broker's", async () => {
    const { session, stream, time, partition, budget } = produce();
    session.push({ ...append, correlation: 1 });
    session.push({ ...append, correlation: 2 });
    expect(stream.isReading).toBe(true);
    session.push({ ...append, correlation: 3 });
    expect(stream.isReading).toBe(false);
    partition.appends[0]?.resolve(result);
    await time.advanceAsync(0);
    expect(stream.isReading).toBe(true);
    // Another client fills the broker's budget; the next batch of this one finds it exhausted.
    budget.take(900);
    session.push({ ...append, batch: new Uint8Array(1), correlation: 4 });
    expect(stream.isReading).toBe(false);
    budget.release(900);
    expect(stream.isReading).toBe(true);
  });

  it("counts answers that the client does not take as in flight", async () => {
    const limits = { inflightBytes: 10_000, inflightCount: 3 };
    const { session, stream, sent, time, partition } = produce(limits, 10_000);
    stream.isWritable = false;
    for (const correlation of [1, 2, 3]) session.push({ ...append, correlation });
    for (const held of partition.appends) held.resolve(result);
    await time.advanceAsync(0);
    expect([sent.length, stream.isReading]).toEqual([0, false]);
    stream.isWritable = true;
    session.onWritable();
    expect([sent.length, stream.isReading]).toEqual([1, true]);
  });

  it("ends after the last answer, and forgets answers after a close", async () => {
    const first = produce();
    first.session.push({ ...append, correlation: 1 });
    first.session.end();
    expect(first.stream.isEnded).toBe(false);
    first.partition.appends[0]?.reject(new CodedError("NOT_LEADER", "moved"));
    await first.time.advanceAsync(0);
    expect(first.sent.flat()).toMatchObject([{ correlation: 1, error: { code: "NOT_LEADER" } }]);
    expect(first.stream.isEnded).toBe(true);

    const second = produce();
    second.session.push({ ...append, correlation: 1 });
    second.session.close();
    expect(second.budget.usedBytes).toBe(100);
    second.partition.appends[0]?.resolve(result);
    await settle();
    await second.time.advanceAsync(0);
    expect([second.sent.length, second.budget.usedBytes]).toEqual([0, 0]);
  });
});

describe("ByteBudget", () => {
  it("wakes those who wait in order, and only while there is room", () => {
    const budget = new ByteBudget(100);
    const woken: string[] = [];
    budget.take(150);
    budget.onRoom(() => {
      woken.push("first");
      budget.take(60);
    });
    const stop = budget.onRoom(() => woken.push("never"));
    budget.onRoom(() => woken.push("second"));
    stop();
    budget.release(40);
    expect(woken).toEqual([]);
    budget.release(60);
    expect(woken).toEqual(["first"]);
    budget.release(100);
    expect(woken).toEqual(["first", "second"]);
    expect(() => budget.release(1_000)).toThrow("more bytes released");
  });
});
