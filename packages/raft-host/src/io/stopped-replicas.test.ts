import { groupNumber } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { HostCluster, testReplica } from "../testing/host-cluster.ts";

const payload = new Uint8Array([120]);
const GROUP = groupNumber(1);

async function formed(): Promise<HostCluster> {
  const cluster = new HostCluster();
  cluster.addGroup(1);
  await cluster.until(() => cluster.leaderOf(1) === 1);
  await cluster.until(() => [2, 3].every((id) => cluster.group(id).group.leader !== undefined));
  return cluster;
}

describe("a replica that stops", () => {
  it("hands over at once when it led, with everything that was acknowledged", async () => {
    const cluster = await formed();
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.until(() => cluster.group(1).listener.texts().length === 1);
    const startMs = cluster.time.monotonicMs();
    cluster.broker(1).host.failGroup(GROUP, "the log cannot be read");
    expect(cluster.group(1).group.role).toBe("follower");
    expect(cluster.group(1).listener.roles.at(-1)).toMatchObject({ leader: undefined });
    const propose = cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    expect(propose).toEqual({ ok: false, reason: "not-leader" });
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.leaderOf(1)).toBe(2);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(60);
    expect(cluster.group(2).listener.texts()).toEqual(["x"]);
  });

  it("hands over at once also when nothing happened in its group for long", async () => {
    const cluster = await formed();
    const rest = (): boolean =>
      [1, 2, 3].every((id) => cluster.broker(id).host.stats().restingCount === 1);
    await cluster.until(rest);
    const startMs = cluster.time.monotonicMs();
    cluster.broker(1).host.failGroup(GROUP, "the log cannot be read");
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(60);
  });

  it("is not brought back as leader by what it had sent before", async () => {
    const cluster = await formed();
    for (let count = 0; count < 5; count++) {
      cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
      await cluster.time.advanceAsync(1);
    }
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    cluster.broker(1).host.failGroup(GROUP, "damaged");
    const startMs = cluster.time.monotonicMs();
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    expect(cluster.time.monotonicMs() - startMs).toBeLessThan(250);
  });

  it("tells whoever writes to it later, also after its group was taken off the host", async () => {
    const cluster = await formed();
    cluster.network.cut(cluster.broker(3).id, cluster.broker(1).id);
    cluster.broker(3).host.failGroup(GROUP, "damaged");
    await cluster.broker(3).host.removeGroup(GROUP);
    await cluster.time.advanceAsync(500);
    expect(cluster.group(1).group.status().stoppedReplicas).toEqual([]);
    cluster.network.heal();
    await cluster.until(() => cluster.group(1).group.status().stoppedReplicas.length > 0);
    expect(cluster.group(1).group.status().stoppedReplicas).toEqual([testReplica(3)]);
    expect(cluster.leaderOf(1)).toBe(1);
  });

  it("was found damaged before it ever ran: its leader hears of it all the same", async () => {
    const cluster = new HostCluster();
    cluster.broker(3).host.refuseGroup(GROUP, testReplica(3));
    for (const id of [1, 2]) {
      cluster.addGroupAt(id, 1, { priority: "preferred", campaignAtOnce: id === 1 });
    }
    await cluster.until(() => cluster.leaderOf(1) !== undefined);
    const leader = cluster.group(cluster.leaderOf(1) ?? 0).group;
    await cluster.until(() => leader.status().stoppedReplicas.length > 0);
    expect(leader.status().stoppedReplicas).toEqual([testReplica(3)]);
  });

  it("counts again once it runs again", async () => {
    const cluster = await formed();
    cluster.broker(3).host.failGroup(GROUP, "damaged");
    await cluster.until(() => cluster.group(1).group.status().stoppedReplicas.length > 0);
    const left = cluster.crash(3);
    cluster.startBroker(3, left);
    cluster.addGroupAt(3, 1);
    await cluster.time.advanceAsync(1_100);
    cluster.group(1).group.propose({ kind: "data", payload, span: 1 });
    await cluster.until(() => cluster.group(3).listener.texts().length === 1);
    expect(cluster.group(1).group.status().stoppedReplicas).toEqual([]);
  });
});
