import type { GetMetadataResponse, PartitionMetadata } from "@stratalog/protocol";
import { describe, expect, test } from "vitest";
import { joinAddress, MetadataCache } from "./metadata-cache.ts";

function answer(
  version: number,
  leaders: readonly (readonly [leaderId: number, leaderEpoch: number])[],
  clusterId = "one",
): GetMetadataResponse {
  const partitions: PartitionMetadata[] = leaders.map(([leaderId, leaderEpoch], partition) => ({
    partition,
    leaderId,
    leaderEpoch,
    replicaIds: [1, 2],
  }));
  return {
    clusterId,
    brokerId: 1,
    version,
    brokers: [1, 2].map((brokerId) => ({
      brokerId,
      host: "127.0.0.1",
      port: 9000 + brokerId,
      rack: "",
      fenced: false,
    })),
    topics: [{ name: "t", topicId: "id", internal: false, partitions, error: null }],
  };
}

describe("the metadata cache", () => {
  test("knows leaders and addresses", () => {
    const cache = new MetadataCache();
    cache.apply(answer(1, [[1, 4]]), 0);
    expect(cache.leader("t", 0)).toEqual({ brokerId: 1, leaderEpoch: 4 });
    expect(cache.address(2)).toBe("127.0.0.1:9002");
    expect(cache.leader("t", 1)).toBeUndefined();
  });

  test("does not go back to an older view or an older leader", () => {
    const cache = new MetadataCache();
    cache.apply(answer(5, [[2, 7]]), 0);
    cache.apply(answer(4, [[1, 3]]), 0);
    expect(cache.leader("t", 0)?.brokerId).toBe(2);
    cache.apply(answer(6, [[1, 3]]), 0);
    expect(cache.leader("t", 0)).toEqual({ brokerId: 2, leaderEpoch: 7 });
    cache.apply(answer(6, [[1, 8]]), 0);
    expect(cache.leader("t", 0)).toEqual({ brokerId: 1, leaderEpoch: 8 });
  });

  test("takes a hint when it is news", () => {
    const cache = new MetadataCache();
    cache.apply(answer(1, [[1, 4]]), 0);
    expect(cache.applyHint("t", 0, { leaderId: 2, leaderEpoch: 3 })).toBe(false);
    expect(cache.applyHint("t", 0, { leaderId: 9, leaderEpoch: 9 })).toBe(false);
    const place = { leaderHost: "::1", leaderPort: 9009 };
    expect(cache.applyHint("t", 0, { leaderId: 9, leaderEpoch: 9, ...place })).toBe(true);
    expect(cache.address(9)).toBe("[::1]:9009");
    expect(cache.applyHint("t", 0, { leaderId: 9, leaderEpoch: 9 })).toBe(false);
    expect(cache.applyHint("t", 0, {})).toBe(false);
  });

  test("forgets a leader only if it is still that one", () => {
    const cache = new MetadataCache();
    cache.apply(answer(1, [[1, 4]]), 0);
    cache.forgetLeader("t", 0, 2);
    expect(cache.leader("t", 0)?.brokerId).toBe(1);
    cache.forgetLeader("t", 0, 1);
    expect(cache.leader("t", 0)).toBeUndefined();
  });

  test("tells of new leaders, and not of one that failed and is named again", () => {
    const cache = new MetadataCache();
    const told: string[] = [];
    const stop = cache.onNewLeader((topic, partition) => told.push(`${topic}/${partition}`));
    const both = [
      [1, 4],
      [2, 4],
    ] as const;
    cache.apply(answer(1, both), 0);
    cache.apply(answer(1, both), 0);
    expect(told.splice(0)).toEqual(["t/0", "t/1"]);
    cache.forgetLeader("t", 0, 1);
    cache.apply(answer(1, both), 0);
    expect(cache.leader("t", 0)?.brokerId).toBe(1);
    cache.forgetLeader("t", 0, 1);
    expect(cache.applyHint("t", 0, { leaderId: 1, leaderEpoch: 4 })).toBe(false);
    expect(told).toEqual([]);
    cache.apply(answer(1, [[2, 5], both[1]]), 0);
    expect(told.splice(0)).toEqual(["t/0"]);
    expect(cache.applyHint("t", 1, { leaderId: 1, leaderEpoch: 6 })).toBe(true);
    expect(told.splice(0)).toEqual(["t/1"]);
    stop();
    cache.apply(answer(1, [[1, 9], both[1]]), 0);
    expect(told).toEqual([]);
  });

  test("refuses brokers of another cluster", () => {
    const cache = new MetadataCache();
    cache.apply(answer(1, [[1, 1]]), 0);
    expect(() => cache.apply(answer(2, [[1, 1]], "two"), 0)).toThrow("cluster two");
  });

  test("drops a topic that is gone, and remembers why", () => {
    const cache = new MetadataCache();
    cache.apply(answer(1, [[1, 1]]), 0);
    const error = {
      code: "UNKNOWN_TOPIC_OR_PARTITION",
      message: "no t",
      details: [],
      leader: null,
    };
    const gone = { name: "t", topicId: "", internal: false, partitions: [], error };
    cache.apply({ ...answer(2, []), topics: [gone] }, 0);
    expect(cache.topic("t")).toBeUndefined();
    expect(cache.topicError("t")?.code).toBe("UNKNOWN_TOPIC_OR_PARTITION");
  });

  test("writes addresses as gRPC wants them", () => {
    expect(joinAddress("localhost", 1)).toBe("localhost:1");
    expect(joinAddress("::1", 1)).toBe("[::1]:1");
  });
});
