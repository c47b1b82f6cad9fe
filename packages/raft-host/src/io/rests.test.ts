import { groupNumber } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { HostCluster, testReplica } from "../testing/host-cluster.ts";

const payload = new Uint8Array([120]);
const everyone = [1, 2, 3];

async function rested(groupCount = 1): Promise<HostCluster> {
  const cluster = new HostCluster();
  for (let group = 1; group <= groupCount; group++) cluster.addGroup(group);
  await cluster.until(() => restingCounts(cluster).every((count) => count === groupCount));
  return cluster;
}

function restingCounts(cluster: HostCluster): readonly number[] {
  return [...cluster.brokers.values()].map(({ host }) => host.stats().restingCount);
}

describe("groups in which nothing happens", () => {
  it("rest within two seconds, and a link carries one beat and one answer for all of them", async () => {
    const cluster = await rested(40);
    expect(cluster.time.monotonicMs()).toBeLessThan(2000);
    const before = { ...cluster.network.sentCount };
    await cluster.time.advanceAsync(1500);
    // Broker 1 leads all: ten beats to each of two peers, and their answers.
    expect(cluster.network.sentCount.control - before.control).toBe(40);
    expect(cluster.network.sentCount.bulk).toBe(before.bulk);
  });

  it("keep their leader for as long as nothing happens", async () => {
    const cluster = await rested();
    await cluster.time.advanceAsync(60_000);
    expect(cluster.leaderOf(1)).toBe(1);
    expect(cluster.group(1).group.term).toBe(1);
    expect(restingCounts(cluster)).toEqual([1, 1, 1]);
  });

  it("take a proposal at once, and rest again after it", async () => {
    const cluster = await rested();
    const startMs = cluster.time.monotonicMs();
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.until(() =>
      everyone.every((id) => cluster.group(id).listener.texts().length === 1),
    );
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(200);
    await cluster.until(() => restingCounts(cluster).every((count) => count === 1));
  });

  it("confirm leadership through the quorum, not through a beat", async () => {
    const cluster = await rested();
    for (const id of [2, 3]) cluster.network.cut(cluster.broker(1).id, cluster.broker(id).id);
    let isConfirmed = false;
    const confirmed = cluster.group(1).group.confirmLeadership();
    void confirmed.then(
      () => {
        isConfirmed = true;
      },
      () => {},
    );
    await cluster.time.advanceAsync(500);
    expect(isConfirmed).toBe(false);
    cluster.network.heal();
    await expect(
      Promise.race([confirmed, cluster.time.advanceAsync(1000).then(() => confirmed)]),
    ).resolves.toBe(1);
  });

  it("elect a new leader in the usual time when the old one falls silent", async () => {
    const cluster = await rested();
    const startMs = cluster.time.monotonicMs();
    for (const id of [2, 3]) cluster.network.cut(cluster.broker(1).id, cluster.broker(id).id);
    const leads = (id: number): boolean => cluster.group(id).group.isLeaderReady;
    await cluster.until(() => leads(2) || leads(3));
    expect(cluster.time.monotonicMs() - startMs).toBeGreaterThan(1300);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(3300);
    await cluster.until(() => cluster.group(1).group.role !== "leader", 3000);
  });

  it.each([0, 300, 700, 1100, 1500, 1900])(
    "rest only once their commit index is stored, with a host that ticks %i ms later",
    async (laterMs) => {
      const cluster = new HostCluster();
      cluster.crash(3);
      await cluster.time.advanceAsync(laterMs);
      cluster.startBroker(3);
      cluster.addGroup(1);
      await cluster.until(() => restingCounts(cluster).every((count) => count === 1));
      for (const { storage } of cluster.brokers.values()) {
        const log = storage.durableLog(cluster.group(1).group.group);
        expect([log.lastIndex, log.hardState.commit]).toEqual([1, 1]);
      }
    },
  );

  it("do not lead on where nobody answers", async () => {
    const cluster = await rested();
    const { id } = cluster.broker(1);
    for (const other of [2, 3]) {
      cluster.network.cut(id, cluster.broker(other).id);
      cluster.network.cut(cluster.broker(other).id, id);
    }
    await cluster.until(() => cluster.group(1).group.role !== "leader", 4000);
    expect(cluster.broker(1).host.stats().restingCount).toBe(0);
  });

  it("fail over by evidence when the leader's process is dead", async () => {
    const cluster = await rested();
    const startMs = cluster.time.monotonicMs();
    cluster.crash(1);
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(150);
  });

  it("rest without a replica whose host is down, and bring it up to date when it is back", async () => {
    const cluster = await rested();
    const durable = cluster.crash(3);
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.time.advanceAsync(3000);
    expect(restingCounts(cluster)).toEqual([1, 1]);
    cluster.startBroker(3, durable);
    cluster.addGroupAt(3, 1);
    await cluster.until(() => cluster.group(3).listener.texts().length === 1, 1000);
    expect(cluster.group(1).group.term).toBe(1);
    await cluster.until(() => restingCounts(cluster).every((count) => count === 1));
  });

  it("never rest without a majority", async () => {
    const cluster = await rested();
    cluster.crash(2);
    cluster.crash(3);
    await cluster.until(() => cluster.group(1).group.role !== "leader", 4000);
    expect(restingCounts(cluster)).toEqual([0]);
  });

  it("learn that their leader was taken off its host, whose process lives on", async () => {
    const cluster = await rested(2);
    const startMs = cluster.time.monotonicMs();
    void cluster.broker(1).host.removeGroup(cluster.group(1).group.group);
    const leads = (id: number): boolean => cluster.group(id).group.isLeaderReady;
    await cluster.until(() => leads(2) || leads(3));
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(7000);
    expect(cluster.group(1, 2).group.role).toBe("leader");
  });

  it("hand leadership over when asked", async () => {
    const cluster = await rested();
    cluster.group(1).group.transferLeadership(testReplica(2));
    await cluster.until(() => cluster.leaderOf(1) === 2, 500);
    await cluster.until(() => restingCounts(cluster).every((count) => count === 1));
  });

  it("rest when their only replica is settled, and take a proposal at once", async () => {
    const cluster = new HostCluster({ brokerCount: 1 });
    cluster.addGroup(1);
    await cluster.until(() => restingCounts(cluster)[0] === 1);
    expect(cluster.time.monotonicMs()).toBeLessThan(2000);
    await cluster.time.advanceAsync(60_000);
    expect(restingCounts(cluster)).toEqual([1]);
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.until(() => cluster.group(1).listener.texts().length === 1);
    const confirmed = cluster.group(1).group.confirmLeadership();
    await cluster.time.advanceAsync(10);
    expect(await confirmed).toBe(2);
    await cluster.until(() => restingCounts(cluster)[0] === 1);
  });

  it("rest without a follower whose host says that it stopped", async () => {
    const cluster = await rested();
    cluster.broker(3).host.failGroup(groupNumber(1), "damaged");
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.until(() => {
      const [first, second] = restingCounts(cluster);
      return first === 1 && second === 1;
    });
    expect(cluster.group(1).group.status().stoppedReplicas).toEqual([testReplica(3)]);
    expect(cluster.group(2).listener.texts()).toHaveLength(1);
  });
});
