import { PersistentMap } from "@stratalog/base";
import type { Group, PartitionKey } from "@stratalog/groups";
import { describe, expect, it } from "vitest";
import { groupLags, type GroupLagParts } from "./partition-gauges.ts";

const TOPIC = "0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e0001";

/** A group as far as its lag needs it: where it is in some partitions of one topic. */
function group(groupId: string, offsets: readonly number[]): Group {
  const entries = offsets.map((offset, partition): [PartitionKey, object] => [
    `${TOPIC}:${partition}` as PartitionKey,
    { topic: "orders", offset, metadata: "", committedMs: 0 },
  ]);
  return { groupId, offsets: PersistentMap.of(entries) } as unknown as Group;
}

/** Partitions 0 and 1 end at 100 here; others are elsewhere. */
const replicas = {
  lookup: (_topic: string, partition: number) =>
    partition < 2
      ? { kind: "local", replica: { highWatermark: 100 } }
      : { kind: "elsewhere", leader: undefined, leaderEpoch: undefined },
} as unknown as GroupLagParts["replicas"];

describe("groupLags", () => {
  it("sums a group's partitions by topic and leaves out those that are elsewhere", () => {
    const groups = [group("near", [100, 95, 0]), group("far", [10, 20]), group("ahead", [120])];
    expect(groupLags({ replicas, groups: () => groups })).toEqual([
      { group: "far", topic: "orders", records: 170 },
      { group: "near", topic: "orders", records: 5 },
      { group: "ahead", topic: "orders", records: 0 },
    ]);
  });

  it("shows the hundred furthest behind", () => {
    const groups = Array.from({ length: 150 }, (_, index) => group(`g${index}`, [index % 100]));
    const lags = groupLags({ replicas, groups: () => groups });
    expect(lags).toHaveLength(100);
    expect(lags[0]?.records).toBe(100);
    expect(Math.min(...lags.map(({ records }) => records))).toBeGreaterThanOrEqual(25);
  });
});
