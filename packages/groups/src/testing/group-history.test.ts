// Goal: whatever members do and whatever is lost on the way, no partition is ever worked on by two
// of them, and once things settle each is worked on by one. Method: a model of members with their
// own idea of what they own, messages in flight both ways that may be late or lost, coordinators
// that fail over, topics that grow and go. `npm run group-histories` runs many more.
import { SeededRandom } from "@stratalog/base";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { drawHappening, type Happening, HAPPENINGS, runHistory } from "./group-history.ts";
import { leastLost } from "./sticky-oracle.ts";

const HISTORIES = 400;

const happening: fc.Arbitrary<Happening> = fc.record({
  what: fc.oneof(
    ...Object.entries(HAPPENINGS).map(([name, weight]) => ({
      weight: Math.ceil(weight * 2),
      arbitrary: fc.constant(name as Happening["what"]),
    })),
  ),
  member: fc.nat(3),
  choice: fc.nat(59),
  count: fc.integer({ min: 1, max: 9 }),
});

describe.each(["uniform", "range"] as const)("a group with the %s assignor", (assignor) => {
  it("never has a partition worked on by two, and has each worked on by one once it settles", () => {
    let settledMembers = 0;
    fc.assert(
      fc.property(fc.array(happening, { minLength: 10, maxLength: 80, size: "max" }), (history) => {
        settledMembers += runHistory(assignor, history).settledMembers;
      }),
      { numRuns: HISTORIES },
    );
    expect(settledMembers).toBeGreaterThan(HISTORIES / 2);
  });
});

describe("histories drawn from seeds", () => {
  it("meet everything that can happen", () => {
    const random = new SeededRandom(1);
    const drawn = new Set(Array.from({ length: 1_000 }, () => drawHappening(random).what));
    expect([...drawn].toSorted()).toEqual(Object.keys(HAPPENINGS).toSorted());
  });
});

describe("the oracle of the fewest moves", () => {
  it("takes only what is above an even share", () => {
    expect(leastLost([5, 0], 5)).toBe(2);
    expect(leastLost([3, 2, 0], 5)).toBe(1);
    expect(leastLost([2, 2, 1], 5)).toBe(0);
  });
});
