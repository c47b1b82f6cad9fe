import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { describe, expect, it } from "vitest";
import { MemoryLog, openLeader, openReplica, testBatch } from "../testing/index.ts";

// What a replica derives from its log comes back after a restart: from a snapshot and the frames
// after it.

const from = (sequence: number) => testBatch({ producer: { id: 7, epoch: 0, sequence } });
const acksAll = { acks: "all", timeoutMs: 1_000 } as const;

async function produce(harness: Awaited<ReturnType<typeof openLeader>>, batch: Uint8Array) {
  const call = harness.replica.produce({ ...acksAll, batch });
  harness.raft.commit();
  return call;
}

describe("a restarted replica", () => {
  it("knows its producers, its log start and its high watermark from the snapshot of a clean stop", async () => {
    const snapshots = { store: new MemoryKeyValueStore(), key: "partition/5" };
    const before = await openLeader({ snapshots });
    for (const sequence of [0, 1, 2]) await produce(before, from(sequence));
    before.replica.proposeLogStart(1);
    before.raft.commit();
    await before.replica.close();

    before.log.logStartOffset = 0;
    const after = await openReplica({ snapshots, log: before.log });
    expect(after.replica.appliedIndex).toBe(before.log.lastIndex);
    expect([after.replica.logStartOffset, after.replica.highWatermark]).toEqual([1, 3]);
    after.raft.term = 1;
    after.raft.becomeLeader();
    after.raft.commit();
    expect(await produce(after, from(2))).toMatchObject({ baseOffset: 2, duplicate: true });
    expect(await produce(after, from(3))).toMatchObject({ baseOffset: 3, duplicate: false });
  });

  it("replays what came after the last snapshot, also frames that the snapshot stands for", async () => {
    const snapshots = { store: new MemoryKeyValueStore(), key: "partition/5" };
    const before = await openLeader({ snapshots, limits: { snapshotFrames: 2 } });
    for (const sequence of [0, 1, 2]) await produce(before, from(sequence));
    // A kill: no close. The commit hint on disk lags behind the snapshot.
    const after = await openReplica({ snapshots, log: before.log });
    expect(after.replica.appliedIndex).toBeGreaterThan(0);
    after.raft.term = 1;
    after.raft.replay(0);
    after.raft.becomeLeader();
    after.raft.commit();
    expect(after.replica.highWatermark).toBe(3);
    for (const sequence of [0, 1, 2]) {
      expect(await produce(after, from(sequence))).toMatchObject({
        baseOffset: sequence,
        duplicate: true,
      });
    }
  });

  it("starts from the first entry when there is no snapshot", async () => {
    const before = await openLeader();
    await produce(before, from(0));
    const after = await openReplica({ log: before.log });
    expect([after.replica.appliedIndex, after.replica.highWatermark]).toEqual([0, 0]);
    after.raft.replay(0);
    expect(after.replica.highWatermark).toBe(1);
  });
});

describe("a replica whose log begins again after a gap", () => {
  it("starts there, with what came before forgotten", async () => {
    const { replica } = await openReplica();
    replica.onSnapshot({ index: 40, nextOffset: 30 });
    expect(replica.describe()).toMatchObject({ highWatermark: 30 });
    expect(replica.describe().producerCount).toBe(0);
  });

  it("does not take over a snapshot from before the gap", async () => {
    const snapshots = { store: new MemoryKeyValueStore(), key: "partition/5" };
    const before = await openLeader({ snapshots });
    await produce(before, from(0));
    await before.replica.close();
    const log = new MemoryLog();
    log.firstIndex = 41;
    const after = await openReplica({ snapshots, log });
    expect([after.replica.appliedIndex, after.replica.describe().producerCount]).toEqual([40, 0]);
  });
});
