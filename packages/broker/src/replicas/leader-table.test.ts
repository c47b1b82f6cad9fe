import { brokerId, groupNumber } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeLeaderNews, encodeLeaderNews } from "./leader-news.ts";
import { LeaderTable } from "./leader-table.ts";

const group = groupNumber(5);
const leader = (id: number, term: number) => ({ leader: brokerId(id), term });

describe("LeaderTable", () => {
  it("keeps the latest term, whatever the order of the news, and tells of each change", () => {
    const table = new LeaderTable();
    const changes: number[] = [];
    const stop = table.onChange((changed) => changes.push(changed));
    expect(table.learn(group, leader(1, 3))).toBe(true);
    expect(table.learn(group, leader(2, 2))).toBe(false);
    expect(table.learn(group, leader(3, 4))).toBe(true);
    stop();
    table.learn(group, leader(1, 5));
    expect(table.leaderOf(group)).toEqual(leader(1, 5));
    // The first leader is no change.
    expect(table.changeCount).toBe(2);
    expect(changes).toEqual([5, 5]);
  });

  it("forgets groups that are gone", () => {
    const table = new LeaderTable();
    table.learn(group, leader(1, 3));
    table.retain((known) => known !== group);
    expect(table.leaderOf(group)).toBeUndefined();
  });
});

describe("leader news", () => {
  it("come back as they were sent", () => {
    const groups = [
      { group: groupNumber(0), term: 1 },
      { group: groupNumber(0xffff_ffff), term: 2 ** 40 },
    ];
    expect(decodeLeaderNews(encodeLeaderNews(groups))).toEqual(groups);
    expect(decodeLeaderNews(encodeLeaderNews([]))).toEqual([]);
  });

  it("of foreign bytes are refused without a throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        const groups = decodeLeaderNews(bytes);
        if (groups !== undefined) expect(groups.length * 12).toBe(bytes.byteLength);
      }),
    );
    expect(decodeLeaderNews(new Uint8Array(13))).toBeUndefined();
    expect(decodeLeaderNews(new Uint8Array(12))).toBeUndefined();
  });
});
