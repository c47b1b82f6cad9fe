import { encodeUtf8, SeededRandom } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import { murmur2 } from "./murmur2.ts";
import { partitionOfKey, StickyPartitioner } from "./partitioner.ts";

describe("murmur2", () => {
  // Known answers of Kafka's Java client.
  test.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
    ["", 275646681],
  ])("hashes %j as Kafka does", (key, hash) => {
    expect(murmur2(encodeUtf8(key))).toBe(hash);
  });
});

describe("the partitioner", () => {
  test.each([
    ["foobar", 10, 6],
    ["21", 10, 0],
    ["wu", 10, 0],
    ["thingäöüÄÖÜ", 10, 2],
    ["100:48069", 12, 9],
    ["TT0124", 15, 10],
    ["", 10, 1],
  ])("puts %j of %i partitions where Kafka puts it", (key, count, partition) => {
    expect(partitionOfKey(encodeUtf8(key), count)).toBe(partition);
  });

  test("keeps records without a key together until a batch is closed", () => {
    const sticky = new StickyPartitioner(new SeededRandom(1));
    const first = sticky.choose(8);
    expect(sticky.choose(8)).toBe(first);
    sticky.onBatchClosed((first + 1) % 8, 8);
    expect(sticky.choose(8)).toBe(first);
    sticky.onBatchClosed(first, 8);
    expect(sticky.choose(8)).not.toBe(first);
  });

  test("fills all partitions", () => {
    const sticky = new StickyPartitioner(new SeededRandom(2));
    const seen = new Set<number>();
    for (let round = 0; round < 200; round++) {
      const partition = sticky.choose(5);
      seen.add(partition);
      sticky.onBatchClosed(partition, 5);
    }
    expect([...seen].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  test("stays inside a topic that has fewer partitions than another", () => {
    const sticky = new StickyPartitioner(new SeededRandom(3));
    for (let round = 0; round < 50; round++) {
      sticky.onBatchClosed(sticky.choose(9), 9);
      expect(sticky.choose(2)).toBeLessThan(2);
    }
  });
});
