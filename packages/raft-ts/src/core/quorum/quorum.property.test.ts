import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { jointCommitted, jointVote } from "./joint.ts";
import { majorityCommitted, majorityVote } from "./majority.ts";

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 9 }), { maxLength: 7 });
const names = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
const acked = fc.dictionary(fc.constantFrom(...names), fc.integer({ min: 1, max: 20 }));
const votes = fc.dictionary(fc.constantFrom(...names), fc.boolean());

/** The highest index such that more than half of the voters have it, by trying all of them. */
function naiveCommitted(voters: readonly number[], indexes: Readonly<Record<string, number>>) {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  for (let index = 20; index > 0; index--) {
    const count = voters.filter((id) => (indexes[id] ?? 0) >= index).length;
    if (count * 2 > voters.length) return index;
  }
  return 0;
}

describe("majorityCommitted", () => {
  it("is the highest index that more than half of the voters have", () => {
    fc.assert(
      fc.property(ids, acked, (voters, indexes) => {
        const lookup = { ackedIndex: (id: number) => indexes[id] };
        expect(majorityCommitted(voters, lookup)).toBe(naiveCommitted(voters, indexes));
      }),
      { numRuns: 2000 },
    );
  });

  it("never falls when a voter acknowledges more", () => {
    fc.assert(
      fc.property(ids, acked, fc.nat({ max: 6 }), (voters, indexes, position) => {
        const before = majorityCommitted(voters, { ackedIndex: (id) => indexes[id] });
        const more: Record<number, number> = { ...indexes, [voters[position] ?? 0]: 20 };
        const after = majorityCommitted(voters, { ackedIndex: (id) => more[id] });
        expect(after).toBeGreaterThanOrEqual(before);
      }),
    );
  });
});

describe("jointCommitted", () => {
  it("is committed in both halves, in either order", () => {
    fc.assert(
      fc.property(ids, ids, acked, (voters, votersOutgoing, indexes) => {
        const lookup = { ackedIndex: (id: number) => indexes[id] };
        const index = jointCommitted({ voters, votersOutgoing }, lookup);
        const both = [naiveCommitted(voters, indexes), naiveCommitted(votersOutgoing, indexes)];
        expect(index).toBe(Math.min(...both));
        expect(jointCommitted({ voters: votersOutgoing, votersOutgoing: voters }, lookup)).toBe(
          index,
        );
      }),
    );
  });
});

describe("votes", () => {
  it("are won, lost or open by what the missing votes could still change", () => {
    fc.assert(
      fc.property(ids, votes, (voters, cast) => {
        const result = majorityVote(voters, { voteOf: (id) => cast[id] });
        const ifAll = (vote: boolean) =>
          majorityVote(voters, { voteOf: (id) => cast[id] ?? vote }) === "won";
        expect(result).toBe(ifAll(false) ? "won" : ifAll(true) ? "pending" : "lost");
      }),
    );
  });

  it("need both halves of a joint configuration", () => {
    fc.assert(
      fc.property(ids, ids, votes, (voters, votersOutgoing, cast) => {
        const lookup = { voteOf: (id: number) => cast[id] };
        const halves = [majorityVote(voters, lookup), majorityVote(votersOutgoing, lookup)];
        const expected = halves.includes("lost")
          ? "lost"
          : halves.includes("pending")
            ? "pending"
            : "won";
        expect(jointVote({ voters, votersOutgoing }, lookup)).toBe(expected);
      }),
    );
  });
});
