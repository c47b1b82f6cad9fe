import { SeededRandom } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { backoffMs, RETRY_BACKOFF } from "./backoff.ts";
import { deliver, moveTo, Positions } from "./positions.ts";
import { sequenceAfter } from "./produce-batch.ts";
import { planReplay } from "./replay-plan.ts";
import { groupByTopic, ungroup, without } from "./topic-partition.ts";

describe("positions", () => {
  test("commit what was passed, and each thing once", () => {
    const positions = new Positions();
    const position = positions.add({ topic: "t", partition: 0 }, 5, 5);
    deliver(position, 5);
    deliver(position, 6);
    expect(positions.uncommitted()).toEqual([]);
    position.passed = 6;
    expect(positions.uncommitted()).toEqual([position]);
    position.committed = 6;
    expect(positions.uncommitted()).toEqual([]);
  });

  test("commit where a group began when nothing was stored", () => {
    const positions = new Positions();
    const position = positions.add({ topic: "t", partition: 0 }, 7, -1);
    expect(positions.uncommitted()).toEqual([position]);
  });

  test("refuse to deliver an offset twice, except after a seek", () => {
    const position = new Positions().add({ topic: "t", partition: 0 }, 5, -1);
    deliver(position, 5);
    expect(() => deliver(position, 5)).toThrow("delivered already");
    moveTo(position, 0);
    deliver(position, 0);
    expect(position).toMatchObject({ delivered: 1, passed: 0 });
  });
});

describe("a replay's plan", () => {
  const partition = { topic: "t", partition: 0, earliest: 10, latest: 20 };

  test.each([
    [10, 100, [[10, 20]]],
    [12, 15, [[12, 15]]],
    [20, 30, []],
    [15, 15, []],
    [15, 12, []],
  ])("from %i to %i", (wantedStart, wantedEnd, ranges) => {
    const plan = planReplay([{ ...partition, wantedStart, wantedEnd }]);
    expect(plan.ok && plan.ranges.map(({ start, end }) => [start, end])).toEqual(ranges);
  });

  test.each([9, 21])("refuses to begin at %i, where the partition has nothing", (wantedStart) => {
    const wanted = { ...partition, wantedStart, wantedEnd: 20 };
    expect(planReplay([wanted])).toEqual({ ok: false, outOfRange: wanted });
  });
});

describe("partitions by topic", () => {
  test("are grouped and taken apart again", () => {
    const all = [
      { topic: "a", partition: 0 },
      { topic: "b", partition: 1 },
      { topic: "a", partition: 2 },
    ];
    expect(groupByTopic(all)).toEqual([
      { topic: "a", partitions: [0, 2] },
      { topic: "b", partitions: [1] },
    ]);
    expect(ungroup(groupByTopic(all))).toHaveLength(3);
    expect(without(all, [{ topic: "a", partition: 2 }])).toEqual(all.slice(0, 2));
  });
});

describe("back-off", () => {
  test("doubles to its limit, jittered by a fifth", () => {
    const random = new SeededRandom(1);
    for (const [attempt, plain] of [
      [1, 100],
      [2, 200],
      [4, 800],
      [5, 1_000],
      [500, 1_000],
    ] as const) {
      const waitMs = backoffMs(RETRY_BACKOFF, attempt, random);
      expect(waitMs).toBeGreaterThanOrEqual(plain * 0.8);
      expect(waitMs).toBeLessThanOrEqual(plain * 1.2);
    }
  });
});

test("sequence numbers wrap from 2^31 − 1 to 0, as Kafka's do", () => {
  expect(sequenceAfter(2 ** 31 - 1, 1)).toBe(0);
  expect(sequenceAfter(2 ** 31 - 3, 5)).toBe(2);
  expect(sequenceAfter(0, 5)).toBe(5);
});
