import fc from "fast-check";
import { type ConfChange, type ConfState, MemoryStorage, RaftNode } from "raft-ts";
import { describe, expect, it } from "vitest";
import { isAgreed, isSameConfiguration, modelChange } from "./configuration-model.ts";

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom("add-voter", "add-learner", "remove", "update"),
    replica: fc.integer({ min: 1, max: 6 }),
  }),
  { minLength: 1, maxLength: 4 },
);
const change: fc.Arbitrary<ConfChange> = fc.oneof(
  fc.record({
    transition: fc.constantFrom("auto", "joint-implicit", "joint-explicit"),
    changes: steps,
  }),
  fc.constant<ConfChange>({ transition: "auto", changes: [] }),
);

describe("the rules' own arithmetic of configurations", () => {
  it("agrees with the core's over any row of changes", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
        const storage = MemoryStorage.withVoters([1, 2, 3]);
        const raft = new RaftNode({ id: 1, storage, random: () => 0 });
        let { confState } = raft.status();
        for (const one of changes) {
          const expected = modelChange(confState, one);
          if (expected === undefined || expected.voters.length === 0) continue;
          const next: ConfState = raft.applyConfChange(one);
          expect(isSameConfiguration(next, expected)).toBe(true);
          confState = next;
        }
      }),
    );
  });

  it("asks both halves of a joint configuration", () => {
    const confState: ConfState = {
      voters: [1, 2, 3],
      votersOutgoing: [3, 4, 5],
      learners: [6],
      learnersNext: [],
      autoLeave: true,
    };
    const agrees = (...ids: number[]): boolean => isAgreed(confState, (id) => ids.includes(id));
    expect(agrees(1, 2, 6)).toBe(false);
    expect(agrees(1, 2, 4)).toBe(false);
    expect(agrees(1, 3, 4)).toBe(true);
    expect(isAgreed({ ...confState, votersOutgoing: [] }, (id) => id < 3)).toBe(true);
  });
});
