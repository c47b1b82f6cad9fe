import type { MemberId, TopicId } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SubscribedTopic } from "../group.ts";
import { type PartitionKey, parsePartitionKey, partitionKey } from "../partition-key.ts";
import { type AssignorMember, assign, type Targets } from "./assignor.ts";

const topicNames = ["a", "b", "c"] as const;

function topicId(name: string): TopicId {
  return `topic-${name}` as TopicId;
}

function topicsOf(counts: readonly number[]): readonly SubscribedTopic[] {
  return counts.map((partitionCount, index) => {
    const name = topicNames[index] ?? "a";
    return { topicId: topicId(name), name, partitionCount };
  });
}

function member(
  number: number,
  names: readonly string[],
  previous: Targets = new Map(),
): AssignorMember {
  const memberId = `member-${String(number).padStart(3, "0")}` as MemberId;
  const topics = new Set(names.map(topicId));
  return { memberId, topics, previous: previous.get(memberId) ?? new Set<PartitionKey>() };
}

const counts = fc.array(fc.integer({ min: 1, max: 12 }), { minLength: 1, maxLength: 3 });
const wishes = fc.array(fc.subarray([...topicNames], { minLength: 1 }), {
  minLength: 1,
  maxLength: 8,
});

function sizesOf(targets: Targets): number[] {
  return [...targets.values()].map((partitions) => partitions.size);
}

describe.each(["uniform", "range"] as const)("the %s assignor", (name) => {
  it("gives every wanted partition to exactly one member that wants it, the same each time", () => {
    fc.assert(
      fc.property(counts, wishes, (partitionCounts, memberWishes) => {
        const topics = topicsOf(partitionCounts);
        const members = memberWishes.map((names, index) => member(index, names));
        const targets = assign(name, { members, topics });
        expect(assign(name, { members, topics })).toEqual(targets);
        const given = [...targets.values()].flatMap((partitions) => [...partitions]);
        expect(new Set(given).size).toBe(given.length);
        const wanted = topics
          .filter((topic) => members.some((one) => one.topics.has(topic.topicId)))
          .flatMap((topic) => {
            return Array.from({ length: topic.partitionCount }, (_, i) =>
              partitionKey(topic.topicId, i),
            );
          });
        expect(given.toSorted()).toEqual(wanted.toSorted());
        for (const one of members) {
          for (const key of targets.get(one.memberId) ?? []) {
            expect(one.topics.has(parsePartitionKey(key).topicId)).toBe(true);
          }
        }
      }),
    );
  });
});

describe("the uniform assignor", () => {
  it("is even, and moves no more partitions than an even share needs", () => {
    fc.assert(
      fc.property(
        counts,
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.nat(7), { maxLength: 4 }),
        fc.integer({ min: 0, max: 4 }),
        (partitionCounts, size, leaving, joining) => {
          const topics = topicsOf(partitionCounts);
          const first = assign("uniform", {
            topics,
            members: Array.from({ length: size }, (_, i) => member(i, topicNames)),
          });
          expect(Math.max(...sizesOf(first)) - Math.min(...sizesOf(first))).toBeLessThanOrEqual(1);
          const numbers = [
            ...Array.from({ length: size }, (_, i) => i).filter((i) => !leaving.includes(i)),
            ...Array.from({ length: joining }, (_, i) => 100 + i),
          ];
          if (numbers.length === 0) return;
          const members = numbers.map((number) => member(number, topicNames, first));
          const second = assign("uniform", { topics, members });
          expect(Math.max(...sizesOf(second)) - Math.min(...sizesOf(second))).toBeLessThanOrEqual(
            1,
          );
          expect(lostPartitions(members, second)).toBe(leastLost(members, topics));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("stays even enough when members want different topics: no single move would help", () => {
    fc.assert(
      fc.property(counts, wishes, (partitionCounts, memberWishes) => {
        const topics = topicsOf(partitionCounts);
        const members = memberWishes.map((names, index) => member(index, names));
        const targets = assign("uniform", { members, topics });
        for (const giver of members) {
          const given = targets.get(giver.memberId) ?? new Set();
          for (const taker of members) {
            const takenSize = targets.get(taker.memberId)?.size ?? 0;
            const canTake = [...given].some((key) =>
              taker.topics.has(parsePartitionKey(key).topicId),
            );
            if (canTake) expect(given.size - takenSize).toBeLessThanOrEqual(1);
          }
        }
      }),
    );
  });

  it("shares out 10,000 partitions among 200 members in well under a second", () => {
    const topics = [{ topicId: topicId("a"), name: "a", partitionCount: 10_000 }];
    const members = (count: number, previous?: Targets) => {
      return Array.from({ length: count }, (_, i) => member(i, ["a"], previous));
    };
    const first = assign("uniform", { topics, members: members(100) });
    const second = assign("uniform", { topics, members: members(200, first) });
    expect(sizesOf(second)).toEqual(Array(200).fill(50));
  });
});

function lostPartitions(members: readonly AssignorMember[], targets: Targets): number {
  return members.reduce((sum, { memberId, previous }) => {
    const kept = [...previous].filter((key) => targets.get(memberId)?.has(key) === true);
    return sum + previous.size - kept.length;
  }, 0);
}

/**
 * The oracle: members keep up to a small share each, and as many as there are larger shares keep
 * one more.
 */
function leastLost(members: readonly AssignorMember[], topics: readonly SubscribedTopic[]): number {
  const total = topics.reduce((sum, topic) => sum + topic.partitionCount, 0);
  const share = Math.floor(total / members.length);
  let larger = total % members.length;
  let lost = 0;
  for (const { previous } of members) {
    const isLarger = previous.size > share && larger > 0;
    if (isLarger) larger -= 1;
    lost += Math.max(0, previous.size - share - (isLarger ? 1 : 0));
  }
  return lost;
}

describe("the range assignor", () => {
  it("cuts topics into consecutive ranges, alike for topics of one size", () => {
    const topics = topicsOf([5, 5]);
    const members = [member(1, ["a", "b"]), member(2, ["a", "b"])];
    const targets = [...assign("range", { members, topics }).values()].map((keys) => [...keys]);
    expect(targets).toEqual([
      ["topic-a:0", "topic-a:1", "topic-a:2", "topic-b:0", "topic-b:1", "topic-b:2"],
      ["topic-a:3", "topic-a:4", "topic-b:3", "topic-b:4"],
    ]);
  });
});
