// Replicas whose disks are slower than the others', or full.
import { describe, expect, it } from "vitest";
import { HostCluster } from "../testing/host-cluster.ts";

const text = (value: string): Uint8Array => Uint8Array.from(value, (c) => c.charCodeAt(0));

async function formed(
  options: ConstructorParameters<typeof HostCluster>[0],
): Promise<{ readonly cluster: HostCluster; readonly propose: (value: string) => void }> {
  const cluster = new HostCluster(options);
  cluster.addGroup(1);
  await cluster.until(() => cluster.leaderOf(1) !== undefined);
  await cluster.time.advanceAsync(50);
  const propose = (value: string): void => {
    const { group } = cluster.group(1);
    expect(group.propose({ kind: "data", payload: text(value), span: 1 })).toMatchObject({
      ok: true,
    });
  };
  return { cluster, propose };
}

describe("a leader whose own disk is slow", () => {
  it("tells what its followers have made durable, and delivers it once its own disk has it", async () => {
    const disk = { isSlow: false };
    const { cluster, propose } = await formed({
      syncMsOf: (broker) => (broker === 1 && disk.isSlow ? 900 : undefined),
    });
    disk.isSlow = true;
    propose("a");
    propose("b");
    const { group, listener } = cluster.group(1);
    await cluster.time.advanceAsync(100);
    expect(listener.commitIndexes.at(-1)).toEqual({ index: group.lastIndex, term: group.term });
    expect(listener.texts()).toEqual([]);
    // What is told is on the disks of the two others.
    for (const id of [2, 3]) {
      expect(cluster.group(id).listener.durableIndex).toBe(group.lastIndex);
    }
    await cluster.time.advanceAsync(1_000);
    expect(listener.texts()).toEqual(["a", "b"]);
  });

  it("tells nothing while only one follower has it", async () => {
    const disk = { isSlow: false };
    const { cluster, propose } = await formed({
      syncMsOf: (broker) => (broker !== 2 && disk.isSlow ? 900 : undefined),
    });
    disk.isSlow = true;
    propose("a");
    await cluster.time.advanceAsync(500);
    expect(cluster.group(1).listener.commitIndexes).toEqual([]);
    await cluster.time.advanceAsync(500);
    expect(cluster.group(1).listener.texts()).toEqual(["a"]);
  });
});

describe("a follower that takes no records", () => {
  it("keeps its leader, is asked once a heartbeat, and catches up when it has room", async () => {
    const full = new Set<number>();
    const { cluster, propose } = await formed({ takesRecords: (broker) => !full.has(broker) });
    full.add(3);
    for (let value = 0; value < 20; value++) propose(String(value));
    await cluster.time.advanceAsync(200);
    expect(cluster.group(1).listener.texts()).toHaveLength(20);
    const sentBefore = cluster.network.sentCount.bulk;
    await cluster.time.advanceAsync(6_000);
    expect(cluster.network.sentCount.bulk - sentBefore).toBeLessThan(100);
    expect(cluster.leaderOf(1)).toBe(1);
    expect(cluster.group(3).listener.texts()).toEqual([]);
    full.delete(3);
    await cluster.until(() => cluster.group(3).listener.texts().length === 20);
    expect(cluster.group(1).group.term).toBe(1);
  });

  it("takes what is no record: a new leader begins, and commands free space", async () => {
    const full = new Set<number>();
    const { cluster, propose } = await formed({ takesRecords: (broker) => !full.has(broker) });
    propose("a");
    await cluster.until(() => cluster.group(3).listener.texts().length === 1);
    for (const broker of [2, 3]) full.add(broker);
    cluster.group(1).group.transferLeadership(cluster.group(2).group.self);
    await cluster.until(() => cluster.group(2).group.isLeaderReady);
    // Followers of it are 1, which has room, and 3.
    cluster.crash(1);
    const { group } = cluster.group(2);
    const command = { kind: "command", payload: text("free"), span: 0 } as const;
    expect(group.propose(command)).toMatchObject({ ok: true });
    await cluster.until(() => group.commitIndex === group.lastIndex);
  });
});

describe("a host that stops", () => {
  it("does not wait for writes that its storage has given up, and tells nobody of them", async () => {
    const disk = { isFull: false };
    const { cluster, propose } = await formed({
      brokerCount: 1,
      syncMsOf: () => (disk.isFull ? 3_600_000 : undefined),
    });
    disk.isFull = true;
    propose("a");
    await cluster.time.advanceAsync(50);
    const { host, storage } = cluster.broker(1);
    expect(storage.pendingCount).toBe(1);
    let settledCount = 0;
    const settle = (): Promise<void> => {
      settledCount++;
      return Promise.resolve();
    };
    Object.assign(storage, { settle });
    // No time passes: with a wait for the write this would not end.
    await host.stop();
    expect(settledCount).toBe(1);
    expect(cluster.group(1).listener.texts()).toEqual([]);
  });
});
