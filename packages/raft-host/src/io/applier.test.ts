import type { ConfState, Entry, StorageApplyMessage } from "raft-ts";
import { describe, expect, it } from "vitest";
import type { Frame } from "../ports/frame.ts";
import { Applier } from "./applier.ts";
import { Delivery } from "./delivery.ts";
import { Memberships } from "./memberships.ts";

const THREE: ConfState = {
  voters: [1, 2, 3],
  learners: [],
  votersOutgoing: [],
  learnersNext: [],
  autoLeave: false,
};

function frame(index: number): Frame {
  const payload = new Uint8Array(0);
  return { kind: "command", term: 1, index, baseOffset: 0, span: 0, payload, byteLength: 40 };
}

const normal = (index: number): Entry => ({ index, term: 1, type: "normal", data: undefined });

function change(index: number, replica: number): Entry {
  const changes = [{ kind: "add-learner", replica }] as const;
  return { index, term: 1, type: "conf-change", change: { transition: "auto", changes } };
}

function apply(appliedIndex: number, entries: readonly Entry[]): readonly string[] {
  const notes: string[] = [];
  const memberships = new Memberships(appliedIndex, THREE);
  const applier = new Applier({
    node: {
      applyConfChange: ({ changes }) => {
        notes.push(`change ${changes[0]?.replica}`);
        return { ...THREE, learners: [changes[0]?.replica ?? 0] };
      },
    },
    listener: {
      onCommitted: (frames) => notes.push(`frames ${frames.map(({ index }) => index).join()}`),
      onRole: () => {},
      onMembership: ({ index }) => notes.push(`membership ${index}`),
    },
    storage: { frameOf: ({ index }) => frame(index) },
    delivery: new Delivery(appliedIndex),
    memberships,
    membershipIndex: appliedIndex,
    onDelivered: () => {},
  });
  const message: StorageApplyMessage = {
    type: "storage-apply",
    from: 1,
    to: 1,
    term: 0,
    entries,
    responses: [],
  };
  applier.apply(message);
  return notes;
}

describe("Applier", () => {
  it("tells the listener of what comes before a change, then of the change", () => {
    expect(apply(0, [normal(1), change(2, 9), normal(3)])).toEqual([
      "frames 1,2",
      "change 9",
      "membership 2",
      "frames 3",
    ]);
  });

  it("makes no change again that the membership has already, and delivers nothing twice", () => {
    expect(apply(3, [normal(1), change(2, 9), normal(3), change(4, 8)])).toEqual([
      "frames 4",
      "change 8",
      "membership 4",
    ]);
  });
});
