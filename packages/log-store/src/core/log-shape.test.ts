import { expect, test } from "vitest";
import type { Frame } from "./frame.ts";
import { type LogBounds, LogShape } from "./log-shape.ts";

const EMPTY: LogBounds = {
  firstIndex: 1,
  firstOffset: 0,
  lastIndex: 0,
  nextOffset: 0,
  termBefore: 0,
  termRuns: [],
  configIndexes: [],
};

function frame(fields: Partial<Frame> & { readonly index: number }): Frame {
  const payload = new Uint8Array(0);
  return { kind: "command", term: 1, baseOffset: 0, span: 0, payload, byteLength: 40, ...fields };
}

/** Frames 1 to 6 in terms 1, 1, 2, 2, 2, 4; two offsets each; 2, 4 and 6 change the membership. */
function shape(): LogShape {
  const made = new LogShape(7, EMPTY);
  for (const [at, term] of [1, 1, 2, 2, 2, 4].entries()) {
    const kind = at % 2 === 1 ? "config" : "data";
    made.append(frame({ index: at + 1, term, baseOffset: at * 2, span: 2, kind }));
  }
  return made;
}

test("bounds follow what is appended", () => {
  expect(shape().bounds()).toEqual({
    ...EMPTY,
    lastIndex: 6,
    nextOffset: 12,
    configIndexes: [2, 4, 6],
    termRuns: [
      { term: 1, startIndex: 1, startOffset: 0 },
      { term: 2, startIndex: 3, startOffset: 4 },
      { term: 4, startIndex: 6, startOffset: 10 },
    ],
  });
});

test("bounds follow a cut of the end, at any place", () => {
  const cut = shape();
  cut.truncateSuffix(4, 6);
  expect(cut.bounds()).toMatchObject({ lastIndex: 3, nextOffset: 6, configIndexes: [2] });
  expect(cut.runs.lastTerm).toBe(2);
  cut.truncateSuffix(1, 0);
  expect(cut.bounds()).toEqual(EMPTY);
  expect(() => cut.truncateSuffix(0, 0)).toThrow(/below the first index/);
});

test("bounds follow a cut of the beginning", () => {
  const cut = shape();
  cut.truncatePrefix(4, 6);
  expect(cut.bounds()).toEqual({
    firstIndex: 4,
    firstOffset: 6,
    lastIndex: 6,
    nextOffset: 12,
    termBefore: 2,
    configIndexes: [4, 6],
    termRuns: [
      { term: 2, startIndex: 4, startOffset: 6 },
      { term: 4, startIndex: 6, startOffset: 10 },
    ],
  });
  cut.truncatePrefix(7, 12);
  expect(cut.bounds()).toMatchObject({ firstIndex: 7, lastIndex: 6, termBefore: 4, termRuns: [] });
  cut.truncatePrefix(5, 8);
  expect(cut.runs.term(6)).toBe(4);
});

test("a snapshot's end is where an empty log goes on", () => {
  const log = shape();
  log.reset({ index: 40, term: 9, nextOffset: 100 });
  expect(log.bounds()).toEqual({
    ...EMPTY,
    firstIndex: 41,
    firstOffset: 100,
    lastIndex: 40,
    nextOffset: 100,
    termBefore: 9,
  });
  log.append(frame({ index: 41, term: 9, baseOffset: 100, span: 1 }));
  expect([log.runs.term(40), log.runs.term(41), log.nextOffset]).toEqual([9, 9, 101]);
});

test("a frame at another offset or index is a bug", () => {
  expect(() => shape().append(frame({ index: 7, term: 4, baseOffset: 13 }))).toThrow(/offset 13/);
  expect(() => shape().append(frame({ index: 8, term: 4, baseOffset: 12 }))).toThrow(/frame 8/);
});

test("what a checkpoint said comes back", () => {
  const bounds = shape().bounds();
  expect(new LogShape(7, bounds).bounds()).toEqual(bounds);
});
