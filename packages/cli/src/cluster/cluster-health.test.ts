import type { ReplicationDescription } from "@stratalog/client";
import { describe, expect, it } from "vitest";
import { problemsOf } from "./cluster-health.ts";

const broker = (brokerId: number, isFenced = false) => ({
  brokerId,
  address: `127.0.0.1:${9085 + 10 * brokerId}`,
  rack: "",
  isFenced,
  leaderCount: 1,
  replicaCount: 3,
  isControllerVoter: true,
});

const well: ReplicationDescription = {
  partitions: [],
  underReplicatedCount: 0,
  leaderlessCount: 0,
  damagedReplicaCount: 0,
  silentBrokers: [],
};

const short = (partition: number) => ({
  topic: "orders",
  partition,
  leader: 1,
  leaderEpoch: 2,
  followers: [{ brokerId: 3, lagBatches: 7, isInSync: false }],
});

describe("problemsOf", () => {
  it("finds nothing wrong with a whole cluster", () => {
    expect(problemsOf({ controller: 1, brokers: [broker(1), broker(2)] }, well)).toEqual([]);
  });

  it("names everything that is wrong, a silent broker that is counted out only once", () => {
    const problems = problemsOf(
      { controller: undefined, brokers: [broker(1), broker(2), broker(3, true)] },
      {
        partitions: [0, 1, 2, 3, 4, 5].map(short),
        underReplicatedCount: 6,
        leaderlessCount: 2,
        damagedReplicaCount: 1,
        silentBrokers: [
          { brokerId: 2, reason: "no answer came in time" },
          { brokerId: 3, reason: "refused" },
        ],
      },
    );
    expect(problems).toEqual([
      "there is no controller",
      "broker 3 is counted out: it sends no heartbeats",
      "broker 2 does not answer: no answer came in time",
      "2 partitions have no leader",
      "6 partitions are under-replicated: orders/0, orders/1, orders/2, orders/3, orders/4 and 1 more",
      "1 replicas are damaged",
    ]);
  });
});
