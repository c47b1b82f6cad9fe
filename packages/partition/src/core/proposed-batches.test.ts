import { describe, expect, it } from "vitest";
import { ProposedBatches } from "./proposed-batches.ts";

const batch = (firstSequence: number) => ({
  firstSequence,
  lastSequence: firstSequence + 1,
  baseOffset: 100 + firstSequence,
});

describe("the batches in flight of a producer", () => {
  it("are found by their sequence until they are dropped", () => {
    const batches = new ProposedBatches(3);
    for (const firstSequence of [0, 2, 4]) batches.push(batch(firstSequence));
    expect(batches.find(2, 3)).toEqual(batch(2));
    expect(batches.find(2, 4)).toBeUndefined();
    batches.dropThrough(102);
    expect([0, 2, 4].map((first) => batches.find(first, first + 1))).toEqual([
      undefined,
      undefined,
      batch(4),
    ]);
    expect(batches.newest).toEqual(batch(4));
  });

  it("have no newest once all are dropped", () => {
    const batches = new ProposedBatches(3);
    batches.push(batch(0));
    batches.dropThrough(100);
    expect([batches.isEmpty, batches.newest]).toEqual([true, undefined]);
  });
});
