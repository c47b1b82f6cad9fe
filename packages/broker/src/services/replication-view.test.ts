import { brokerId } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { describeReplication, underReplicatedCount } from "./replication-view.ts";
import { FakeCluster } from "./testing/fake-cluster.ts";

function sources(followers: readonly { lagEntries: number; isReplicating: boolean }[]) {
  const cluster = new FakeCluster();
  const led = followers.map((follower, index) => ({ brokerId: brokerId(index + 2), ...follower }));
  cluster.led = [{ topic: "orders", partition: 4, term: 9, followers: led }];
  return { brokerId: brokerId(1), metadata: cluster, replicas: cluster };
}

describe("the view of replication", () => {
  it("tells of each follower how far it is", () => {
    const answer = describeReplication(sources([{ lagEntries: 3, isReplicating: true }]));
    expect(answer).toMatchObject({
      answeringBrokerId: 1,
      damagedReplicaCount: 0,
      partitions: [{ topic: "orders", partition: 4, leaderEpoch: 9 }],
    });
    expect(answer.partitions?.[0]?.followers).toMatchObject([{ brokerId: 2, lagBatches: 3 }]);
  });

  it("counts a partition once however many of its replicas are away", () => {
    const away = { lagEntries: 8, isReplicating: false };
    expect(underReplicatedCount(sources([away, away]))).toBe(1);
  });
});
