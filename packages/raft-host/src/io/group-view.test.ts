import { describe, expect, it } from "vitest";
import { HostCluster, testReplica } from "../testing/host-cluster.ts";

describe("what a group says of itself", () => {
  it("names one leader per term at every moment, also between a message and its turn's end", async () => {
    const cluster = new HostCluster();
    cluster.addGroup(1);
    await cluster.until(() => cluster.leaderOf(1) !== undefined);

    const leaders = new Map<number, Set<number>>();
    const look = (): void => {
      for (const id of cluster.brokers.keys()) {
        const { role, term } = cluster.group(id).group;
        if (role === "leader") leaders.set(term, (leaders.get(term) ?? new Set()).add(id));
      }
    };
    for (const { host } of cluster.brokers.values()) {
      const handle = host.handlePeerMessage.bind(host);
      host.handlePeerMessage = (from, lane, payload) => {
        handle(from, lane, payload);
        look();
      };
    }
    for (const next of [2, 3, 1, 2]) {
      const leader = cluster.leaderOf(1);
      if (leader === undefined) throw new Error("no leader");
      cluster.group(leader).group.transferLeadership(testReplica(next));
      await cluster.until(() => cluster.leaderOf(1) === next);
    }
    expect(leaders.size).toBeGreaterThanOrEqual(4);
    for (const [term, ids] of leaders) expect([term, ids.size]).toEqual([term, 1]);
  });
});
