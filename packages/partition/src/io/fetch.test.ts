import { decodeUtf8 } from "@stratalog/base";
import { settle } from "@stratalog/base/testing";
import { decodeBatch } from "@stratalog/record-batch";
import { describe, expect, it } from "vitest";
import { openLeader, type ReplicaHarness, testBatch } from "../testing/index.ts";

// Fetches and offset lookups on one replica over a fake Raft group.

/** Stores one batch per list of values. */
async function store(harness: ReplicaHarness, ...batches: readonly string[][]): Promise<void> {
  for (const values of batches) {
    const batch = testBatch({ values, timestampMs: 1_000 + harness.log.nextOffset });
    const call = harness.replica.produce({ batch, acks: "all", timeoutMs: 1_000 });
    harness.raft.commit();
    await call;
  }
}

const range = { maxBytes: 1_000_000 };
const longPoll = { ...range, minBytes: 1, maxWaitMs: 500 };

function values(batches: readonly Uint8Array[]): string[] {
  return batches.flatMap((batch) =>
    [...decodeBatch(batch, 0)].map(({ value }) => (value === null ? "null" : decodeUtf8(value))),
  );
}

describe("read", () => {
  it("gives whole batches, from the one that holds the offset, at least one", async () => {
    const harness = await openLeader();
    await store(harness, ["a", "b"], ["c"], ["d"]);
    const all = await harness.replica.read({ ...range, offset: 1 });
    expect(values(all.batches)).toEqual(["a", "b", "c", "d"]);
    expect(all).toMatchObject({ nextOffset: 4, highWatermark: 4, leaderEpoch: 1 });
    const least = await harness.replica.read({ maxBytes: 1, offset: 2 });
    expect(values(least.batches)).toEqual(["c"]);
  });

  it("never shows what is not committed, from memory or from disk", async () => {
    const harness = await openLeader();
    await store(harness, ["a"]);
    const open = harness.replica.produce({ batch: testBatch(), acks: "all", timeoutMs: 1_000 });
    for (const readMode of ["now", "later"] as const) {
      harness.log.readMode = readMode;
      expect(await harness.replica.read({ ...range, offset: 0 })).toMatchObject({ nextOffset: 1 });
      expect(await harness.replica.read({ ...range, offset: 1 })).toMatchObject({ batches: [] });
      expect(await harness.replica.read({ ...range, offset: 2 })).toMatchObject({ batches: [] });
    }
    harness.raft.commit();
    await open;
  });

  it("outside the log is OFFSET_OUT_OF_RANGE with the valid range", async () => {
    const harness = await openLeader();
    await store(harness, ["a"], ["b"], ["c"]);
    expect(harness.replica.proposeLogStart(1)).toBe(true);
    harness.raft.commit();
    const details = { logStartOffset: 1, highWatermark: 3 };
    expect(() => harness.replica.read({ ...range, offset: 0 })).toThrow(
      expect.objectContaining({
        code: "OFFSET_OUT_OF_RANGE",
        details: { ...details, offset: 0, endOffset: 3 },
      }),
    );
    await expect(harness.replica.read({ ...range, offset: 4 })).rejects.toMatchObject({
      code: "OFFSET_OUT_OF_RANGE",
      details,
    });
  });

  it("past the end of a leader that was deposed unawares is not out of range", async () => {
    const harness = await openLeader();
    harness.raft.quorum = "denies";
    await expect(harness.replica.read({ ...range, offset: 10 })).rejects.toMatchObject({
      code: "NOT_LEADER",
    });
    harness.raft.quorum = "silent";
    const call = expect(harness.replica.read({ ...range, offset: 10 })).rejects.toMatchObject({
      code: "OFFSET_NOT_AVAILABLE",
    });
    await harness.time.advanceAsync(6_000);
    await call;
  });

  it("is refused by a follower and in another leader epoch", async () => {
    const harness = await openLeader();
    const read = (leaderEpoch: number) => () =>
      harness.replica.read({ ...range, offset: 0, leaderEpoch });
    expect(read(0)).toThrow(expect.objectContaining({ code: "FENCED_LEADER_EPOCH" }));
    expect(read(2)).toThrow(expect.objectContaining({ code: "UNKNOWN_LEADER_EPOCH" }));
    harness.raft.becomeFollower({ leader: 2, truncate: false });
    expect(read(2)).toThrow(expect.objectContaining({ code: "NOT_LEADER" }));
  });
});

describe("a waiting fetch", () => {
  it("is answered as soon as records are committed", async () => {
    const harness = await openLeader();
    const fetch = harness.replica.fetch({ ...longPoll, offset: 0 });
    await settle();
    expect(harness.replica.describe().fetchWaiterCount).toBe(1);
    await store(harness, ["a"]);
    expect(values((await fetch).batches)).toEqual(["a"]);
    expect(harness.replica.describe().fetchWaiterCount).toBe(0);
  });

  it("is not woken by entries that hold no records, and is empty when its time is over", async () => {
    const harness = await openLeader();
    let calls = 0;
    harness.replica.onAvailable(() => calls++);
    const fetch = harness.replica.fetch({ ...longPoll, offset: 0 });
    await settle();
    harness.log.append({ kind: "config", term: 1, span: 0, payload: new Uint8Array(0) });
    harness.raft.commit();
    await settle();
    expect(harness.replica.describe().fetchWaiterCount).toBe(1);
    await harness.time.advanceAsync(600);
    expect(await fetch).toMatchObject({ batches: [], nextOffset: 0 });
    expect(calls).toBe(0);
  });

  it("gathers until it has its least bytes", async () => {
    const harness = await openLeader();
    const batchBytes = testBatch({ values: ["a"] }).byteLength;
    const minBytes = 3 * batchBytes;
    const fetch = harness.replica.fetch({ ...longPoll, minBytes, offset: 0 });
    await store(harness, ["a"], ["b"]);
    await settle();
    expect(harness.replica.describe().fetchWaiterCount).toBe(1);
    await store(harness, ["c"]);
    expect(values((await fetch).batches)).toEqual(["a", "b", "c"]);
  });

  it("ends with an error when leadership goes, and when it is aborted", async () => {
    const harness = await openLeader();
    const abort = new AbortController();
    const { signal } = abort;
    const aborted = expect(
      harness.replica.fetch({ ...longPoll, offset: 0, signal }),
    ).rejects.toMatchObject({ code: "ABORTED" });
    const lost = expect(harness.replica.fetch({ ...longPoll, offset: 0 })).rejects.toMatchObject({
      code: "NOT_LEADER",
    });
    await settle();
    abort.abort();
    harness.raft.becomeFollower({ leader: 2, truncate: false });
    await aborted;
    await lost;
    expect(harness.replica.describe().fetchWaiterCount).toBe(0);
  });

  it("is throttled above the number that a partition holds", async () => {
    const harness = await openLeader({ limits: { fetchWaitersMax: 1 } });
    const first = harness.replica.fetch({ ...longPoll, offset: 0 });
    await settle();
    await expect(harness.replica.fetch({ ...longPoll, offset: 0 })).rejects.toMatchObject({
      code: "THROTTLED",
    });
    await store(harness, ["a"]);
    await first;
  });
});

describe("onAvailable", () => {
  it("is called when records become visible and when leadership goes, until it is stopped", async () => {
    const harness = await openLeader();
    let calls = 0;
    const stop = harness.replica.onAvailable(() => calls++);
    await store(harness, ["a"], ["b"]);
    expect(calls).toBe(2);
    harness.raft.becomeFollower({ leader: 2, truncate: false });
    expect(calls).toBe(3);
    stop();
    harness.raft.becomeLeader();
    expect(calls).toBe(3);
  });
});

describe("listOffset", () => {
  it("gives the ends and the first record at or after a time", async () => {
    const harness = await openLeader();
    await store(harness, ["a", "b"], ["c"], ["d"]);
    const { replica } = harness;
    expect(await replica.listOffset("earliest")).toEqual({ offset: 0, leaderEpoch: 1 });
    expect(await replica.listOffset("latest")).toEqual({ offset: 4, leaderEpoch: 1 });
    expect(await replica.listOffset({ timestampMs: 1_001 })).toMatchObject({
      offset: 2,
      timestampMs: 1_002,
    });
    expect(await replica.listOffset({ timestampMs: 9_999 })).toEqual({ offset: 4, leaderEpoch: 1 });
  });

  it("does not confirm an end before the leader is ready, nor after it was deposed", async () => {
    const harness = await openLeader();
    harness.raft.becomeFollower({ leader: 2, truncate: false });
    harness.raft.becomeLeader();
    await expect(harness.replica.listOffset("latest")).rejects.toMatchObject({
      code: "OFFSET_NOT_AVAILABLE",
    });
    harness.raft.commit();
    harness.raft.quorum = "denies";
    await expect(harness.replica.listOffset("latest")).rejects.toMatchObject({
      code: "NOT_LEADER",
    });
  });
});
