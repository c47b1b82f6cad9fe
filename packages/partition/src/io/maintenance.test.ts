import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { expect, it, describe } from "vitest";
import type { SegmentFacts } from "../core/retention.ts";
import { openLeader, openReplica, type ReplicaHarness, testBatch } from "../testing/index.ts";

const DAY_MS = 86_400_000;
const acksAll = { acks: "all", timeoutMs: 1_000 } as const;

async function store(harness: ReplicaHarness, count: number): Promise<void> {
  for (let stored = 0; stored < count; stored++) {
    const call = harness.replica.produce({ ...acksAll, batch: testBatch() });
    harness.raft.commit();
    await call;
  }
}

/** Segments of one record each, begun at given times; the records are of 2011. */
function segmentsOf2011(...createdMs: readonly number[]): readonly SegmentFacts[] {
  return createdMs.map((at, offset) => ({
    baseOffset: offset,
    nextOffset: offset + 1,
    sizeBytes: 1_000,
    maxTimestampMs: Date.UTC(2011, 4, 1),
    createdMs: at,
  }));
}

/** Looks every second, as the broker does; commits what is proposed. */
async function lookFor({ replica, raft, time }: ReplicaHarness, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await time.advanceAsync(1_000);
    replica.maintain();
    raft.commit();
  }
}

describe("retention", () => {
  it("is proposed once by the leader, and moves the log start when it is committed", async () => {
    const harness = await openLeader({ config: { retentionMs: 1_000 } });
    await store(harness, 3);
    harness.log.files = segmentsOf2011(0, 0, 0);
    const { lastIndex } = harness.log;
    for (let look = 0; look < 4; look++) {
      await harness.time.advanceAsync(1_000);
      harness.replica.maintain();
    }
    expect(harness.log.lastIndex).toBe(lastIndex + 1);
    expect(harness.replica.logStartOffset).toBe(0);
    harness.raft.commit();
    expect(harness.replica.logStartOffset).toBe(2);
  });

  it("is done ahead of its command on a replica that is told so, for what it knows to be committed", async () => {
    const { replica, raft, log } = await openReplica();
    for (let stored = 0; stored < 5; stored++) {
      raft.receive({ kind: "data", payload: testBatch(), span: 1 });
    }
    raft.commit(3);
    replica.forgetBelow(2);
    expect(replica.logStartOffset).toBe(2);
    replica.forgetBelow(1);
    expect(replica.logStartOffset).toBe(2);
    replica.forgetBelow(5);
    expect(replica.logStartOffset).toBe(replica.highWatermark);
    expect(replica.logStartOffset).toBeLessThan(log.nextOffset);
  });

  it("by size waits for no second look", async () => {
    const harness = await openLeader({ config: { retentionBytes: 1_500, retentionMs: DAY_MS } });
    await store(harness, 3);
    const { time, replica } = harness;
    harness.log.files = segmentsOf2011(time.wallMs(), time.wallMs(), time.wallMs());
    replica.maintain();
    harness.raft.commit();
    expect(replica.logStartOffset).toBe(1);
  });

  it("keeps events of 2011 for seven days after their import, and no longer", async () => {
    const harness = await openLeader({ config: { retentionMs: 7 * DAY_MS } });
    await store(harness, 4);
    const { time, replica } = harness;
    const start = time.wallMs();
    // The import took six days; the first segment was begun on the first of them.
    harness.log.files = segmentsOf2011(start, start + 3 * DAY_MS, start + 6 * DAY_MS, start);
    await time.advanceAsync(9.9 * DAY_MS);
    await lookFor(harness, 600);
    expect(replica.logStartOffset).toBe(0);
    await time.advanceAsync(0.2 * DAY_MS);
    await lookFor(harness, 600);
    expect(replica.logStartOffset).toBe(1);
    await time.advanceAsync(3 * DAY_MS);
    await lookFor(harness, 600);
    expect(replica.logStartOffset).toBe(3);
  });

  it("deletes nothing for a clock that jumps forward and is set right", async () => {
    const time = new JumpingTime();
    const harness = await openLeader({ config: { retentionMs: 7 * DAY_MS }, time });
    await store(harness, 3);
    const now = time.wallMs();
    harness.log.files = segmentsOf2011(now, now, now);
    await lookFor(harness, 10);
    time.jumpMs = 365 * DAY_MS;
    await lookFor(harness, 4 * 60);
    time.jumpMs = 0;
    await lookFor(harness, 3_600);
    expect(harness.replica.logStartOffset).toBe(0);
  });

  it("looks again from the start whenever the clock jumps, and believes one that stays", async () => {
    const time = new JumpingTime();
    const harness = await openLeader({ config: { retentionMs: 7 * DAY_MS }, time });
    await store(harness, 3);
    const now = time.wallMs();
    harness.log.files = segmentsOf2011(now, now, now);
    for (let jump = 1; jump < 6; jump++) {
      time.jumpMs = jump * 30 * DAY_MS;
      await lookFor(harness, 4 * 60);
      expect(harness.replica.logStartOffset, `after ${jump} jumps`).toBe(0);
    }
    await lookFor(harness, 2 * 60);
    expect(harness.replica.logStartOffset).toBe(2);
  });

  it("begins its looks anew in each term", async () => {
    const harness = await openLeader({ config: { retentionMs: 7 * DAY_MS } });
    await store(harness, 3);
    harness.log.files = segmentsOf2011(0, 0, 0);
    await lookFor(harness, 4 * 60);
    harness.raft.becomeFollower({ leader: 2, truncate: false });
    harness.raft.becomeLeader();
    harness.raft.commit();
    await lookFor(harness, 4 * 60);
    expect(harness.replica.logStartOffset).toBe(0);
    await lookFor(harness, 2 * 60);
    expect(harness.replica.logStartOffset).toBe(2);
  });
});

describe("a producer that sends nothing", () => {
  const fromProducer = (sequence: number) => testBatch({ producer: { id: 7, epoch: 0, sequence } });

  async function oneBatch(options: Parameters<typeof openLeader>[0]): Promise<ReplicaHarness> {
    const harness = await openLeader(options);
    const call = harness.replica.produce({ ...acksAll, batch: fromProducer(0) });
    harness.raft.commit();
    await call;
    return harness;
  }

  it("is forgotten after a day, when a snapshot is written", async () => {
    const snapshots = { store: new MemoryKeyValueStore(), key: "partition/5" };
    const harness = await oneBatch({ snapshots, limits: { snapshotFrames: 2 } });
    await harness.time.advanceAsync(DAY_MS - 1_000);
    await store(harness, 2);
    expect(harness.replica.describe().producerCount).toBe(1);
    await harness.time.advanceAsync(2_000);
    await store(harness, 2);
    expect(harness.replica.describe().producerCount).toBe(0);
  });

  it("is not forgotten by a clock that jumps, neither here nor over a restart", async () => {
    const time = new JumpingTime();
    const snapshots = { store: new MemoryKeyValueStore(), key: "partition/5" };
    const harness = await oneBatch({ snapshots, time, limits: { snapshotFrames: 2 } });
    time.jumpMs = 365 * DAY_MS;
    await store(harness, 4);
    expect(harness.replica.describe().producerCount).toBe(1);
    await harness.replica.close();
    const later = new JumpingTime();
    later.jumpMs = 2 * 365 * DAY_MS;
    const after = await openReplica({ snapshots, log: harness.log, time: later });
    await after.replica.close();
    expect(after.replica.describe().producerCount).toBe(1);
  });
});

/** A wall clock that can be set. */
class JumpingTime extends ManualTime {
  jumpMs = 0;

  override wallMs(): number {
    return super.wallMs() + this.jumpMs;
  }
}
