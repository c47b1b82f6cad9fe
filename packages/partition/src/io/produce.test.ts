import { baseOffsetOf, leaderEpochOf } from "@stratalog/record-batch";
import { describe, expect, it } from "vitest";
import type { StoragePressure } from "./appender.ts";
import { openLeader, openReplica, testBatch } from "../testing/index.ts";

// Produce calls on one replica over a fake Raft group: what is answered, when, and what is never
// answered.

const acksAll = { acks: "all", timeoutMs: 1_000 } as const;
const from = (sequence: number, values = ["value"], epoch = 0) =>
  testBatch({ values, producer: { id: 7, epoch, sequence } });

/** The outcome of a call that may still be open. */
function watch<T>(call: Promise<T>): { state: unknown } {
  const seen: { state: unknown } = { state: "open" };
  call.then(
    (value) => {
      seen.state = value;
    },
    (error: unknown) => {
      seen.state = error;
    },
  );
  return seen;
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("produce with acks: all", () => {
  it("is answered at commit, with the place that was written into the batch", async () => {
    const { replica, raft } = await openLeader();
    const batch = testBatch({ values: ["a", "b"] });
    const first = watch(replica.produce({ ...acksAll, batch }));
    const second = replica.produce({ ...acksAll, batch: testBatch() });
    expect([baseOffsetOf(batch, 0), leaderEpochOf(batch, 0)]).toEqual([0, 1]);
    raft.durable();
    await turn();
    expect(first.state).toBe("open");
    raft.commit();
    await expect(second).resolves.toMatchObject({ baseOffset: 2, leaderEpoch: 1 });
    expect(first.state).toMatchObject({ baseOffset: 0, duplicate: false });
    expect(replica.highWatermark).toBe(3);
  });

  it("is answered once a majority has it, though this broker's own disk is not done", async () => {
    const { replica, raft, log } = await openLeader();
    const [first, second] = [from(0), from(1)].map((batch) =>
      watch(replica.produce({ ...acksAll, batch })),
    );
    replica.onCommitIndex(log.lastIndex - 1, raft.term);
    await turn();
    expect(first?.state).toMatchObject({ baseOffset: 0, duplicate: false });
    expect(second?.state).toBe("open");
    // Not applied yet: nobody reads it, and a retry of it is not stored again.
    expect(replica.highWatermark).toBe(0);
    const retry = replica.produce({ ...acksAll, batch: from(0) });
    raft.commit();
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: true });
    expect(replica.highWatermark).toBe(2);
  });

  it("is not answered for what an earlier term proposed at the same place", async () => {
    const { replica, raft, log } = await openLeader();
    const call = watch(replica.produce({ ...acksAll, batch: from(0) }));
    replica.onCommitIndex(log.lastIndex, raft.term + 1);
    await turn();
    expect(call.state).toBe("open");
  });

  it("times out with an unknown outcome, and a retry finds the batch that was stored after all", async () => {
    const { replica, raft, time } = await openLeader();
    const late = watch(replica.produce({ ...acksAll, batch: from(0) }));
    await time.advanceAsync(1_100);
    expect(late.state).toMatchObject({ code: "REQUEST_TIMED_OUT", outcomeUnknown: true });
    const retry = replica.produce({ ...acksAll, batch: from(0) });
    raft.commit();
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: true });
    expect(replica.highWatermark).toBe(1);
  });

  it("leaves no deadline behind once it is answered", async () => {
    const { replica, raft, time } = await openLeader();
    const calls = [1, 2, 3].map(() => replica.produce({ ...acksAll, batch: testBatch() }));
    raft.commit();
    await Promise.all(calls);
    await time.advanceAsync(5_000);
    expect(time.pendingCount).toBe(0);
    expect(replica.describe().pendingAppendCount).toBe(0);
  });
});

describe("produce with less", () => {
  it("acks: leader is answered by this broker's disk, before anyone may read it", async () => {
    const { replica, raft } = await openLeader();
    const call = replica.produce({ batch: testBatch(), acks: "leader", timeoutMs: 1_000 });
    raft.durable();
    await expect(call).resolves.toMatchObject({ baseOffset: 0 });
    expect(replica.highWatermark).toBe(0);
  });

  it("acks: none is answered at once", async () => {
    const { replica } = await openLeader();
    const call = replica.produce({ batch: testBatch(), acks: "none", timeoutMs: 1_000 });
    await expect(call).resolves.toMatchObject({ baseOffset: 0 });
  });

  it("is refused to an idempotent producer", async () => {
    const { replica } = await openLeader();
    const call = replica.produce({ batch: from(0), acks: "leader", timeoutMs: 1_000 });
    await expect(call).rejects.toMatchObject({ code: "INVALID_REQUEST" });
  });
});

describe("an idempotent producer's retry", () => {
  it("waits for the first attempt and gets its offset, never an early answer", async () => {
    const { replica, raft, log } = await openLeader();
    const attempts = [from(0), from(0), from(0)].map((batch) =>
      watch(replica.produce({ ...acksAll, batch })),
    );
    await turn();
    expect(attempts.map(({ state }) => state)).toEqual(["open", "open", "open"]);
    raft.commit();
    await turn();
    expect(attempts.map(({ state }) => state)).toMatchObject([
      { baseOffset: 0, duplicate: false },
      { baseOffset: 0, duplicate: true },
      { baseOffset: 0, duplicate: true },
    ]);
    expect(log.nextOffset).toBe(1);
  });

  it("is recognised after a failover by a replica that only followed", async () => {
    const { replica, raft, log } = await openReplica();
    raft.becomeFollower({ leader: 2, truncate: false });
    const batch = from(0, ["a", "b", "c"]);
    raft.receive({ kind: "data", payload: batch, span: 3 });
    raft.becomeLeader();
    const early = replica.produce({ ...acksAll, batch: from(0, ["a", "b", "c"]) });
    await expect(early).rejects.toMatchObject({ code: "LEADER_NOT_AVAILABLE", retriable: true });
    raft.commit();
    const retry = replica.produce({ ...acksAll, batch: from(0, ["a", "b", "c"]) });
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: true });
    expect(log.nextOffset).toBe(3);
  });

  it("is stored anew when the first attempt was lost with its leader", async () => {
    const { replica, raft } = await openLeader();
    const lost = watch(replica.produce({ ...acksAll, batch: from(0) }));
    raft.becomeFollower({ leader: 2, truncate: true });
    await turn();
    expect(lost.state).toMatchObject({ code: "OUTCOME_UNKNOWN", retriable: true });
    raft.becomeLeader();
    raft.commit();
    const retry = replica.produce({ ...acksAll, batch: from(0) });
    raft.commit();
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: false });
  });

  it("that skips a sequence or comes from an older epoch is refused", async () => {
    const { replica, raft } = await openLeader();
    const first = replica.produce({ ...acksAll, batch: from(0, ["a"], 2) });
    raft.commit();
    await first;
    await expect(replica.produce({ ...acksAll, batch: from(5, ["a"], 2) })).rejects.toMatchObject({
      code: "OUT_OF_ORDER_SEQUENCE",
      details: { expected: 1 },
    });
    await expect(replica.produce({ ...acksAll, batch: from(0, ["a"], 1) })).rejects.toMatchObject({
      code: "INVALID_PRODUCER_EPOCH",
      details: { producerEpoch: 2 },
    });
  });
});

describe("a conditional append", () => {
  it("is stored only where it expects the end, counting what is in flight", async () => {
    const { replica, raft } = await openLeader();
    const right = replica.produce({ ...acksAll, batch: from(0), expectedOffset: 0 });
    const wrong = replica.produce({ ...acksAll, batch: testBatch(), expectedOffset: 0 });
    await expect(wrong).rejects.toMatchObject({
      code: "WRONG_EXPECTED_OFFSET",
      details: { expectedOffset: 0, actualOffset: 1 },
    });
    raft.commit();
    await right;
    const retry = replica.produce({ ...acksAll, batch: from(0), expectedOffset: 0 });
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: true });
  });
});

describe("produce is refused", () => {
  it("by a follower, with the leader to go to", async () => {
    const { replica, raft } = await openLeader();
    raft.becomeFollower({ leader: 3 * 65_536 + 2, truncate: false });
    await expect(replica.produce({ ...acksAll, batch: testBatch() })).rejects.toMatchObject({
      code: "NOT_LEADER",
      details: { leaderId: 2, leaderEpoch: 2 },
    });
  });

  it("in another leader epoch than the client's", async () => {
    const { replica } = await openLeader();
    const at = (leaderEpoch: number) =>
      replica.produce({ ...acksAll, batch: testBatch(), leaderEpoch });
    await expect(at(0)).rejects.toMatchObject({ code: "FENCED_LEADER_EPOCH" });
    await expect(at(2)).rejects.toMatchObject({ code: "UNKNOWN_LEADER_EPOCH" });
  });

  it("for a damaged or too large batch, and nothing is stored", async () => {
    const { replica, log } = await openLeader({ config: { maxMessageBytes: 200 } });
    const damaged = testBatch();
    damaged[damaged.length - 1] = (damaged.at(-1) ?? 0) ^ 1;
    await expect(replica.produce({ ...acksAll, batch: damaged })).rejects.toMatchObject({
      code: "CORRUPT_BATCH",
    });
    const large = testBatch({ values: ["x".repeat(300)] });
    await expect(replica.produce({ ...acksAll, batch: large })).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
    });
    expect(log.nextOffset).toBe(0);
  });

  it("above the limit of what is in flight, first as too fast, later as too few replicas", async () => {
    const { replica, raft, time } = await openLeader({ limits: { uncommittedBytesMax: 100 } });
    const first = watch(replica.produce({ ...acksAll, timeoutMs: 60_000, batch: testBatch() }));
    raft.durable();
    const second = (): Promise<unknown> => replica.produce({ ...acksAll, batch: testBatch() });
    await expect(second()).rejects.toMatchObject({ code: "THROTTLED" });
    await time.advanceAsync(4_000);
    await expect(second()).rejects.toMatchObject({ code: "NOT_ENOUGH_REPLICAS" });
    raft.commit();
    await turn();
    expect(first.state).toMatchObject({ baseOffset: 0 });
    raft.refusal = "overloaded";
    await expect(second()).rejects.toMatchObject({ code: "THROTTLED" });
  });

  it("above that limit while the leader's own disk is stuck, which is not for want of replicas", async () => {
    const { replica, log, raft, time } = await openLeader({ limits: { uncommittedBytesMax: 100 } });
    const first = watch(replica.produce({ ...acksAll, timeoutMs: 60_000, batch: testBatch() }));
    // The others have it; it is not applied here, and so stays in flight.
    replica.onCommitIndex(log.lastIndex, raft.term);
    await turn();
    expect(first.state).toMatchObject({ baseOffset: 0 });
    await time.advanceAsync(4_000);
    const second = replica.produce({ ...acksAll, batch: testBatch() });
    await expect(second).rejects.toMatchObject({
      code: "THROTTLED",
      message: expect.stringContaining("disk") as string,
    });
  });

  it("while the disk is behind or full, but a retry of what is stored is answered", async () => {
    let pressure: StoragePressure = "none";
    const { replica, raft } = await openLeader({ pressure: () => pressure });
    const first = replica.produce({ ...acksAll, batch: from(0) });
    raft.commit();
    await first;
    pressure = "busy";
    const next = (): Promise<unknown> => replica.produce({ ...acksAll, batch: from(1) });
    await expect(next()).rejects.toMatchObject({ code: "THROTTLED" });
    pressure = "full";
    await expect(next()).rejects.toMatchObject({ code: "STORAGE_FULL" });
    const retry = replica.produce({ ...acksAll, batch: from(0) });
    await expect(retry).resolves.toMatchObject({ baseOffset: 0, duplicate: true });
  });

  it("once the replica is closed, and what was in flight is unknown", async () => {
    const { replica } = await openLeader();
    const open = watch(replica.produce({ ...acksAll, batch: testBatch() }));
    await replica.close();
    await turn();
    expect(open.state).toMatchObject({ code: "OUTCOME_UNKNOWN" });
    await expect(replica.produce({ ...acksAll, batch: testBatch() })).rejects.toMatchObject({
      code: "NOT_LEADER",
    });
  });
});
