import { groupNumber, present } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { HostCluster, testReplica } from "../testing/host-cluster.ts";
import type { ProposalResult, RaftGroup } from "../ports/raft-group.ts";

const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));

function propose(group: RaftGroup, value: string, span = 1): ProposalResult {
  return group.propose({ kind: "data", payload: text(value), span });
}

async function formed(
  options: ConstructorParameters<typeof HostCluster>[0] = {},
): Promise<HostCluster> {
  const cluster = new HostCluster(options);
  cluster.addGroup(1);
  await cluster.until(() => cluster.leaderOf(1) !== undefined);
  return cluster;
}

const everyone = [1, 2, 3];

describe("RaftHost", () => {
  it("lets the preferred replica lead a new group at once", async () => {
    const cluster = await formed();
    expect(cluster.leaderOf(1)).toBe(1);
    expect(cluster.time.monotonicMs()).toBeLessThan(100);
    const { roles } = cluster.group(2).listener;
    await cluster.until(() => roles.at(-1)?.leader === testReplica(1));
  });

  it("assigns dense offsets at once and commits on all replicas in one order", async () => {
    const cluster = await formed();
    const { group } = cluster.group(1);
    const results = ["a", "bb", "ccc"].map((value) => propose(group, value, value.length));
    expect(results).toEqual([
      { ok: true, index: 2, term: 1, baseOffset: 0 },
      { ok: true, index: 3, term: 1, baseOffset: 1 },
      { ok: true, index: 4, term: 1, baseOffset: 3 },
    ]);
    expect(group.nextOffset).toBe(6);
    await cluster.until(() =>
      everyone.every((id) => cluster.group(id).listener.texts().length === 3),
    );
    for (const id of everyone) {
      expect(cluster.group(id).listener.texts()).toEqual(["a", "bb", "ccc"]);
      const offsets = cluster.group(id).listener.frames.map((frame) => frame.baseOffset);
      expect(offsets).toEqual([0, 0, 1, 3]);
    }
  });

  it("refuses proposals at a follower", async () => {
    const cluster = await formed();
    expect(propose(cluster.group(2).group, "x")).toEqual({ ok: false, reason: "not-leader" });
  });

  it("makes one storage write and one message per peer and lane of a turn of many groups", async () => {
    const cluster = new HostCluster();
    for (let group = 1; group <= 50; group++) cluster.addGroup(group);
    const all = Array.from({ length: 50 }, (_, i) => i + 1);
    await cluster.until(() => all.every((group) => cluster.leaderOf(group) === 1));
    await cluster.time.advanceAsync(20);
    const { storage } = cluster.broker(1);
    const before = { writes: storage.writeCount, bulk: cluster.network.sentCount.bulk };
    for (const group of all) propose(cluster.group(1, group).group, "x");
    await cluster.time.advanceAsync(0);
    expect(storage.writeCount - before.writes).toBe(1);
    expect(cluster.network.sentCount.bulk - before.bulk).toBe(2);
  });

  it("does not acknowledge what is not durable on a majority", async () => {
    const cluster = await formed({ syncMs: 100 });
    const { group, listener } = cluster.group(1);
    const before = listener.texts().length;
    propose(group, "x");
    await cluster.time.advanceAsync(99);
    expect(listener.texts().length).toBe(before);
    await cluster.time.advanceAsync(20);
    expect(listener.texts().length).toBe(before + 1);
  });

  it("fails over within 150 ms when the leader's process is known to be dead", async () => {
    const cluster = await formed();
    propose(cluster.group(1).group, "before");
    await cluster.until(() => cluster.group(2).listener.texts().length === 1);
    const startMs = cluster.time.monotonicMs();
    cluster.crash(1);
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(150);
    expect(cluster.leaderOf(1)).toBe(2);
  });

  it("fails over as fast when the first replica in order lacks what another has", async () => {
    const cluster = await formed();
    await cluster.until(() => cluster.group(2).group.leader === testReplica(1));
    cluster.network.cut(cluster.broker(1).id, cluster.broker(2).id);
    propose(cluster.group(1).group, "acknowledged");
    await cluster.until(() => cluster.group(1).listener.texts().length === 1);
    const startMs = cluster.time.monotonicMs();
    cluster.crash(1);
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.leaderOf(1)).toBe(3);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(150);
  });

  it("answers a candidate that knew of the leader's death a moment earlier", async () => {
    const cluster = await formed();
    await cluster.until(() => everyone.every((id) => cluster.group(id).group.leader !== undefined));
    await cluster.time.advanceAsync(400);
    const startMs = cluster.time.monotonicMs();
    void cluster.network.node(cluster.broker(1).id)?.stop();
    const dead = cluster.broker(1).id;
    cluster.broker(2).host.onPeerDown(dead, "refused");
    await cluster.time.advanceAsync(30);
    expect(cluster.group(2).group.role).toBe("pre-candidate");
    cluster.broker(3).host.onPeerDown(dead, "refused");
    await cluster.until(() => cluster.group(2).group.isLeaderReady);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(60);
  });

  it("needs one election although the disks are slow", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const cluster = await formed({ syncMs: 180, seed });
      await cluster.until(() =>
        everyone.every((id) => cluster.group(id).group.leader !== undefined),
      );
      await cluster.time.advanceAsync(400);
      cluster.crash(1);
      await cluster.until(() => cluster.leaderOf(1) !== undefined);
      expect(cluster.group(2).group.term).toBe(2);
    }
  });

  it("follows the configured order when a leader is only silent, soon after the timeout", async () => {
    const cluster = await formed();
    await cluster.time.advanceAsync(500);
    const startMs = cluster.time.monotonicMs();
    for (const id of [2, 3]) cluster.network.cut(cluster.broker(1).id, cluster.broker(id).id);
    const leads = (id: number): boolean => cluster.group(id).group.isLeaderReady;
    await cluster.until(() => leads(2) || leads(3));
    expect(leads(2)).toBe(true);
    expect(cluster.time.monotonicMs() - startMs).toBeGreaterThan(1300);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(2200);
  });

  it("elects the next in order when the first one cannot win after a silence", async () => {
    const cluster = await formed();
    cluster.network.cut(cluster.broker(1).id, cluster.broker(2).id);
    propose(cluster.group(1).group, "acknowledged");
    await cluster.until(() => cluster.group(1).listener.texts().length === 1);
    const startMs = cluster.time.monotonicMs();
    cluster.network.cut(cluster.broker(1).id, cluster.broker(3).id);
    await cluster.until(() => cluster.group(3).group.isLeaderReady);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(2600);
  });

  it("keeps what was committed over a crash of everybody", async () => {
    const cluster = await formed();
    for (const value of ["a", "b", "c"]) propose(cluster.group(1).group, value);
    await cluster.until(() => cluster.group(1).listener.texts().length === 3);
    const left = everyone.map((id) => [id, cluster.crash(id)] as const);
    for (const [id, durable] of left) {
      cluster.startBroker(id, durable);
      cluster.addGroupAt(id, 1);
    }
    await cluster.until(() =>
      everyone.every((id) => cluster.group(id).listener.texts().length === 3),
    );
    for (const id of everyone) expect(cluster.group(id).listener.texts()).toEqual(["a", "b", "c"]);
  });

  it("does not deliver again what was applied in an earlier life", async () => {
    const cluster = await formed();
    for (const value of ["a", "b", "c"]) propose(cluster.group(1).group, value);
    await cluster.until(() => cluster.group(3).listener.texts().length === 3);
    const durable = cluster.crash(3);
    cluster.startBroker(3, durable);
    cluster.addGroupAt(3, 1, { appliedIndex: 3 });
    propose(cluster.group(1).group, "d");
    await cluster.until(() => cluster.group(3).listener.texts().length === 2);
    expect(cluster.group(3).listener.texts()).toEqual(["c", "d"]);
  });

  it("truncates what a deposed leader had appended and says so", async () => {
    const cluster = await formed();
    for (const id of [2, 3]) cluster.network.cut(cluster.broker(1).id, cluster.broker(id).id);
    propose(cluster.group(1).group, "lost");
    const leads = (id: number): boolean => cluster.group(id).group.isLeaderReady;
    await cluster.until(() => leads(2) || leads(3));
    const leader = leads(2) ? 2 : 3;
    propose(cluster.group(leader).group, "kept");
    cluster.network.heal();
    await cluster.until(() => cluster.group(1).listener.texts().length === 1);
    expect(cluster.group(1).listener.texts()).toEqual(["kept"]);
    expect(cluster.group(1).listener.truncations).toEqual([2]);
    expect(propose(cluster.group(1).group, "x")).toEqual({ ok: false, reason: "not-leader" });
  });

  it("brings a follower up from disk when its entries are not in memory", async () => {
    const cluster = await formed({ residentCount: 3, limits: { appendBytesMax: 200 } });
    const durable = cluster.crash(3);
    for (let i = 0; i < 40; i++) {
      propose(cluster.group(1).group, `${i}`);
      await cluster.time.advanceAsync(5);
    }
    cluster.startBroker(3, durable);
    cluster.addGroupAt(3, 1);
    await cluster.until(() => cluster.group(3).listener.texts().length === 40);
    expect(cluster.group(3).listener.texts().at(-1)).toBe("39");
  });

  it("probes a follower whose lane is full, and goes on once it has room", async () => {
    const cluster = await formed();
    cluster.network.isBulkFull = true;
    for (let i = 0; i < 20; i++) {
      propose(cluster.group(1).group, `${i}`);
      await cluster.time.advanceAsync(10);
    }
    expect(cluster.group(2).listener.texts()).toEqual([]);
    cluster.network.isBulkFull = false;
    await cluster.until(() =>
      everyone.every((id) => cluster.group(id).listener.texts().length === 20),
    );
  });

  it("refuses proposals beyond the host's budget and takes them again after a commit", async () => {
    const cluster = await formed({ limits: { hostUncommittedBytesMax: 200 } });
    const { group } = cluster.group(1);
    const results = Array.from({ length: 6 }, () => propose(group, "0123456789").ok);
    expect(results).toEqual([true, true, true, true, false, false]);
    await cluster.until(() => cluster.group(1).listener.texts().length === 4);
    expect(propose(group, "x").ok).toBe(true);
  });

  it("confirms leadership through the quorum, and not after it is lost", async () => {
    const cluster = await formed();
    const { group } = cluster.group(1);
    const result = propose(group, "x");
    const index = result.ok ? result.index : 0;
    await cluster.until(() => group.commitIndex >= index);
    const confirmed = group.confirmLeadership();
    await cluster.time.advanceAsync(10);
    expect(await confirmed).toBe(index);
    await expect(cluster.group(2).group.confirmLeadership()).rejects.toMatchObject({
      code: "NOT_LEADER",
    });
    for (const id of [2, 3]) {
      cluster.network.cut(cluster.broker(1).id, cluster.broker(id).id);
      cluster.network.cut(cluster.broker(id).id, cluster.broker(1).id);
    }
    const late = expect(group.confirmLeadership()).rejects.toMatchObject({ code: "NOT_LEADER" });
    await cluster.time.advanceAsync(4000);
    await late;
  });

  it("hands leadership over on request", async () => {
    const cluster = await formed();
    cluster.group(1).group.transferLeadership(testReplica(3));
    await cluster.until(() => cluster.leaderOf(1) === 3);
    expect(cluster.time.monotonicMs()).toBeLessThan(300);
  });

  it("stops a replica whose log diverges, and leaves the others alone", async () => {
    const cluster = new HostCluster();
    cluster.addGroup(1);
    cluster.addGroup(2);
    await cluster.until(() => cluster.leaderOf(1) === 1 && cluster.leaderOf(2) === 1);
    await cluster.until(() => cluster.group(3).group.lastIndex === 1);
    const log = cluster.broker(3).storage.visibleLog(groupNumber(1));
    const planted = { ...present(log.frames.pop(), "frame"), baseOffset: 7 };
    log.frames.push(planted);
    propose(cluster.group(1).group, "x");
    propose(cluster.group(1, 2).group, "y");
    await cluster.until(() => cluster.group(3, 2).listener.texts().length === 1);
    expect(cluster.group(3).group.status().failure).toMatch("offset 0, not 7");
    expect(cluster.group(2).listener.texts()).toEqual(["x"]);
  });

  it("removes a group only when its writes are done", async () => {
    const cluster = await formed({ syncMs: 50 });
    propose(cluster.group(1).group, "x");
    await cluster.time.advanceAsync(1);
    let isRemoved = false;
    void cluster
      .broker(1)
      .host.removeGroup(groupNumber(1))
      .then(() => {
        isRemoved = true;
      });
    await cluster.time.advanceAsync(40);
    expect(isRemoved).toBe(false);
    await cluster.time.advanceAsync(20);
    expect(isRemoved).toBe(true);
    expect(cluster.broker(1).host.stats().groupCount).toBe(0);
  });
});
