import { describe, expect, it } from "vitest";
import { checkLeaderEpoch, endOffsetForEpoch } from "./leader-epochs.ts";

describe("endOffsetForEpoch", () => {
  // Term 2 and the newest, 6, own no records.
  const runs = [
    { term: 1, startOffset: 0 },
    { term: 2, startOffset: 10 },
    { term: 3, startOffset: 10 },
    { term: 5, startOffset: 25 },
    { term: 6, startOffset: 40 },
  ];

  it.each([
    [0, { epoch: 0, endOffset: 0 }],
    [1, { epoch: 1, endOffset: 10 }],
    [2, { epoch: 1, endOffset: 10 }],
    [3, { epoch: 3, endOffset: 25 }],
    [4, { epoch: 3, endOffset: 25 }],
    [5, { epoch: 5, endOffset: 40 }],
    [6, { epoch: 5, endOffset: 40 }],
    [7, undefined],
  ])("of epoch %i is %o", (epoch, end) => {
    expect(endOffsetForEpoch(epoch, runs, 40)).toEqual(end);
  });

  it("of an empty log is nothing", () => {
    expect(endOffsetForEpoch(1, [], 0)).toBeUndefined();
  });
});

describe("checkLeaderEpoch", () => {
  it("lets requests without an epoch pass and tells older from newer ones", () => {
    expect(checkLeaderEpoch(undefined, 3)).toBe("same");
    expect(checkLeaderEpoch(-1, 3)).toBe("same");
    expect(checkLeaderEpoch(3, 3)).toBe("same");
    expect(checkLeaderEpoch(2, 3)).toBe("client-is-older");
    expect(checkLeaderEpoch(4, 3)).toBe("client-is-newer");
  });
});
