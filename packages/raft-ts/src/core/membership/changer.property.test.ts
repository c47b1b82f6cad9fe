import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RaftInvariantError } from "../assert.ts";
import type { ConfChangeStep, ConfState } from "../types.ts";
import { changeConfiguration, changeSimply, enterJoint, leaveJoint } from "./changer.ts";
import { memberIds, restoreConfState } from "./configuration.ts";

const step: fc.Arbitrary<ConfChangeStep> = fc.record({
  kind: fc.constantFrom("add-voter", "add-learner", "remove", "update"),
  replica: fc.integer({ min: 1, max: 7 }),
});

/** Any configuration that is not joint, with at least one voter. */
const settled: fc.Arbitrary<ConfState> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
    fc.uniqueArray(fc.integer({ min: 1, max: 7 })),
  )
  .map(([voters, learners]) =>
    restoreConfState({
      voters,
      learners: learners.filter((id) => !voters.includes(id)),
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    }),
  );

describe("a configuration change", () => {
  it("has the same result in one step and through a joint configuration", () => {
    fc.assert(
      fc.property(settled, fc.array(step, { maxLength: 5 }), (start, steps) => {
        let simple = start;
        for (const one of steps) {
          const outcome = changeSimply(simple, [one]);
          fc.pre(outcome.ok);
          simple = outcome.confState;
        }
        const joint = enterJoint(start, false, steps);
        expect(joint.ok).toBe(true);
        if (!joint.ok) return;
        expect(joint.confState.votersOutgoing).toEqual(start.voters);
        const left = leaveJoint(joint.confState);
        expect(left.ok && left.confState).toEqual(simple);
      }),
      { numRuns: 3000 },
    );
  });

  it("names exactly the replicas that join", () => {
    fc.assert(
      fc.property(settled, fc.array(step, { minLength: 1, maxLength: 5 }), (start, steps) => {
        const joint = enterJoint(start, true, steps);
        fc.pre(joint.ok);
        const before = memberIds(start);
        const after = memberIds(joint.confState);
        for (const id of after) {
          if (!before.includes(id)) expect(joint.added).toContain(id);
        }
        for (const id of joint.added) expect(after).toContain(id);
      }),
    );
  });

  it("is refused when it would change two voters at once, or leave none", () => {
    const voters = (...ids: number[]): ConfState =>
      restoreConfState({
        voters: ids,
        learners: [],
        votersOutgoing: [],
        learnersNext: [],
        autoLeave: false,
      });
    const two: ConfChangeStep[] = [
      { kind: "add-voter", replica: 2 },
      { kind: "add-voter", replica: 3 },
    ];
    const last: ConfChangeStep[] = [{ kind: "remove", replica: 1 }];
    expect(changeSimply(voters(1), two)).toEqual({ ok: false, reason: "more-than-one-voter" });
    expect(changeSimply(voters(1), last)).toEqual({ ok: false, reason: "no-voters-left" });
    expect(enterJoint(voters(1), true, last)).toEqual({ ok: false, reason: "no-voters-left" });
    expect(leaveJoint(voters(1))).toEqual({ ok: false, reason: "not-joint" });
    expect(enterJoint(voters(), true, two)).toEqual({ ok: false, reason: "joint-needs-voters" });
  });

  it("is refused while another one is joint", () => {
    const started = enterJoint(
      restoreConfState({
        voters: [1, 2, 3],
        learners: [],
        votersOutgoing: [],
        learnersNext: [],
        autoLeave: false,
      }),
      true,
      [{ kind: "add-voter", replica: 4 }],
    );
    expect(started.ok).toBe(true);
    if (!started.ok) return;
    const more: ConfChangeStep[] = [{ kind: "remove", replica: 3 }];
    const refused = { ok: false, reason: "already-joint" };
    expect(enterJoint(started.confState, true, more)).toEqual(refused);
    expect(changeSimply(started.confState, more)).toEqual(refused);
  });

  it("goes through a joint configuration when it has several steps or asks for it", () => {
    const start = restoreConfState({
      voters: [1, 2, 3],
      learners: [],
      votersOutgoing: [],
      learnersNext: [],
      autoLeave: false,
    });
    const demote: ConfChangeStep = { kind: "add-learner", replica: 3 };
    const outcome = changeConfiguration(start, {
      transition: "auto",
      changes: [demote, { kind: "add-voter", replica: 4 }],
    });
    expect(outcome.ok && outcome.confState).toEqual({
      voters: [1, 2, 4],
      learners: [],
      votersOutgoing: [1, 2, 3],
      learnersNext: [3],
      autoLeave: true,
    });
    const explicit = changeConfiguration(start, { transition: "joint-explicit", changes: [] });
    expect(explicit.ok && explicit.confState.autoLeave).toBe(false);
    expect(explicit.ok && explicit.confState.votersOutgoing).toEqual([1, 2, 3]);
  });
});

describe("a stored configuration", () => {
  const base: ConfState = {
    voters: [2, 1],
    learners: [],
    votersOutgoing: [],
    learnersNext: [],
    autoLeave: false,
  };

  it("is put in order", () => {
    expect(restoreConfState(base).voters).toEqual([1, 2]);
  });

  it.each([
    ["a learner that votes", { learners: [1] }],
    ["a learner of the outgoing half", { votersOutgoing: [3], learners: [3] }],
    ["a demoted voter that was none", { votersOutgoing: [1], learnersNext: [4] }],
    ["a joint configuration without outgoing voters", { autoLeave: true }],
  ])("stops on %s", (_, wrong) => {
    expect(() => restoreConfState({ ...base, ...wrong })).toThrow(RaftInvariantError);
  });
});
