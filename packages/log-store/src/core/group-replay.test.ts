import { groupNumber } from "@stratalog/base";
import { describe, expect, test } from "vitest";
import type { GroupCheckpoint } from "./checkpoint-format.ts";
import { GroupReplay } from "./group-replay.ts";
import type { WalRecord } from "./wal-records.ts";

const CHECKPOINT: GroupCheckpoint = {
  descriptor: { group: groupNumber(1), kind: "partition", replicaEpoch: 5 },
  batch: 10,
  firstIndex: 1,
  firstOffset: 0,
  lastIndex: 20,
  nextOffset: 40,
  logStartOffset: 0,
  droppableIndex: 0,
  termBefore: 0,
  termRuns: [{ term: 1, startIndex: 1, startOffset: 0 }],
  configIndexes: [],
  hardState: { term: 1, vote: 0, commit: 3 },
};

function entry(index: number, baseOffset = index * 2 - 2): WalRecord {
  const header = { kind: "data", term: 1, index, baseOffset, span: 2 } as const;
  const payload = { payloadBytes: 9, payloadCrc: 0 };
  return { type: "entry", group: 1, header: { ...header, ...payload }, payloadPosition: 0 };
}

function truncate(from: number): WalRecord {
  return { type: "truncate", group: 1, from, nextOffset: from * 2 - 2 };
}

type Step = WalRecord | { readonly broken: WalRecord };

/** Replays batches 11, 12, … over the checkpoint. */
function replay(batches: readonly (readonly Step[])[], checkpoint = CHECKPOINT) {
  const state = new GroupReplay(checkpoint);
  for (const [at, records] of batches.entries()) {
    for (const [ordinal, step] of records.entries()) {
      const isBroken = "broken" in step;
      const place = { batch: 11 + at, ordinal, isBroken, where: `file at byte ${at * 512}` };
      state.apply(isBroken ? step.broken : step, place);
    }
  }
  return state.finish();
}

describe("the replay of a group", () => {
  test("keeps the segments up to the checkpoint and appends what follows", () => {
    const plan = replay([[entry(21), entry(22)], [entry(23)]]);
    expect(plan).toMatchObject({ cutIndex: 20, cutOffset: 40, lastIndex: 23, damage: undefined });
    expect(plan.runs).toMatchObject([
      { batch: 11, firstRecord: 0, lastRecord: 1, fromIndex: 21, toIndex: 22 },
      { batch: 12, firstRecord: 0, lastRecord: 0, fromIndex: 23, toIndex: 23 },
    ]);
  });

  test("leaves out what the checkpoint has already", () => {
    const plan = replay([[entry(19)], [entry(21)]], { ...CHECKPOINT, batch: 11 });
    expect(plan.runs).toMatchObject([{ batch: 12, fromIndex: 21 }]);
  });

  test("lowers the cut for a truncation below the checkpoint", () => {
    const plan = replay([[entry(21)], [truncate(15), entry(15)]]);
    expect(plan).toMatchObject({ cutIndex: 14, cutOffset: 28, lastIndex: 15, damage: undefined });
    expect(plan.runs).toMatchObject([{ batch: 12, firstRecord: 1, fromIndex: 15 }]);
  });

  test("takes back entries of the same batch", () => {
    const plan = replay([[entry(21), entry(22), truncate(22), entry(22), entry(23)]]);
    expect(plan.runs).toMatchObject([
      { firstRecord: 0, lastRecord: 1, fromIndex: 21, toIndex: 21 },
      { firstRecord: 3, lastRecord: 4, fromIndex: 22, toIndex: 23 },
    ]);
  });

  test("forgives a broken entry that was truncated later, and no other", () => {
    const forgiven = replay([[{ broken: entry(21) }], [truncate(21), entry(21)]]);
    expect(forgiven.damage).toBeUndefined();
    const damaged = replay([[entry(21), { broken: entry(22) }, entry(23)]]);
    expect(damaged.damage).toContain("entry 22 in WAL batch 11");
  });

  test("finds damage in a gap, in a wrong offset, and in a log that ends below its commit point", () => {
    expect(replay([[entry(22)]]).damage).toContain("entry 22");
    expect(replay([[entry(21, 41)]]).damage).toContain("offset 41");
    const hardState = { term: 1, vote: 0, commit: 25 };
    const ahead = replay([[{ type: "hard-state", group: 1, hardState }]]);
    expect(ahead.damage).toContain("below the commit point 25");
    expect(replay([[truncate(3)]]).damage).toContain("below the commit point 3");
  });

  test("begins anew after a reset", () => {
    const reset = { index: 50, term: 4, nextOffset: 70 };
    const plan = replay([[entry(21), { type: "reset", group: 1, reset }, entry(51, 70)]]);
    expect(plan).toMatchObject({ reset, lastIndex: 51, damage: undefined });
    expect(plan.runs).toMatchObject([{ fromIndex: 51, toIndex: 51 }]);
  });

  test("ends with the drop of this replica, not of an earlier one", () => {
    const drop = (replicaEpoch: number): WalRecord => ({ type: "drop", group: 1, replicaEpoch });
    expect(replay([[drop(4), entry(21)]])).toMatchObject({ isDropped: false, lastIndex: 21 });
    expect(replay([[drop(5)]]).isDropped).toBe(true);
  });
});
