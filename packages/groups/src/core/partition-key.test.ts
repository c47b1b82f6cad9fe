import type { GroupId, TopicId } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coordinatorPartition } from "./coordinator-partition.ts";
import { keysOf, parsePartitionKey, partitionKey, partitionsByTopic } from "./partition-key.ts";

describe("partition keys", () => {
  it("come back from their lists, whatever the topics' ids", () => {
    const pair = fc.tuple(fc.string({ minLength: 1 }), fc.nat(2_000));
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const keys = new Set(
          pairs.map(([id, partition]) => partitionKey(id as TopicId, partition)),
        );
        expect(keysOf(partitionsByTopic(keys))).toEqual(keys);
        for (const [id, partition] of pairs) {
          const parsed = parsePartitionKey(partitionKey(id as TopicId, partition));
          expect(parsed).toEqual({ topicId: id, partition });
        }
      }),
    );
  });

  it("list partitions in the order of numbers, not of texts", () => {
    const keys = [10, 9, 100].map((partition) => partitionKey("t" as TopicId, partition));
    expect(partitionsByTopic(keys)).toEqual([{ topicId: "t", partitions: [9, 10, 100] }]);
  });
});

describe("coordinatorPartition", () => {
  it("spreads similar names over all partitions and never changes its mind", () => {
    const counts = Array<number>(8).fill(0);
    for (let i = 0; i < 8_000; i++) {
      const partition = coordinatorPartition(`group-${i}` as GroupId, 8);
      counts[partition] = (counts[partition] ?? 0) + 1;
    }
    expect(Math.min(...counts)).toBeGreaterThan(800);
    expect(Math.max(...counts)).toBeLessThan(1_200);
    // A change here would move every group to a coordinator that does not know it.
    const names = ["billing", "orders", "a", "größe"] as GroupId[];
    expect(names.map((name) => coordinatorPartition(name, 8))).toMatchInlineSnapshot(`
      [
        5,
        4,
        7,
        1,
      ]
    `);
  });
});
