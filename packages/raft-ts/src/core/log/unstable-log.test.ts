import { describe, expect, it } from "vitest";
import { RaftInvariantError } from "../assert.ts";
import { EMPTY_CONF_STATE, type Entry } from "../types.ts";
import { UnstableLog } from "./unstable-log.ts";

function entry(index: number, term: number, bytes = 0): Entry {
  return { type: "normal", index, term, data: { byteLength: bytes } };
}

function indexes(entries: readonly Entry[]): readonly string[] {
  return entries.map(({ index, term }) => `${term}/${index}`);
}

/** Entries 5 and 6 of term 1, of which the first is being written. */
function partlyHandedOut(): UnstableLog {
  const log = new UnstableLog(5);
  log.truncateAndAppend([entry(5, 1)]);
  log.acceptInProgress();
  log.truncateAndAppend([entry(6, 1)]);
  return log;
}

describe("the unstable end of the log", () => {
  it("hands each entry out once", () => {
    const log = partlyHandedOut();
    expect(indexes(log.nextEntries())).toEqual(["1/6"]);
    log.acceptInProgress();
    expect(log.hasNextEntries).toBe(false);
    expect(log.lastIndex).toBe(6);
  });

  it("lets go of what is durable", () => {
    const log = partlyHandedOut();
    log.stableTo(5, 1);
    expect([log.offset, log.lastIndex]).toEqual([6, 6]);
    log.stableTo(6, 1);
    expect([log.offset, log.lastIndex, log.hasEntries]).toEqual([7, undefined, false]);
  });

  it("hands out nothing that is durable already", () => {
    const log = partlyHandedOut();
    log.stableTo(6, 1);
    expect(log.hasNextEntries).toBe(false);
    expect(log.nextEntries()).toEqual([]);
  });

  it("does not take the answer to an overtaken write for the entry that replaced it", () => {
    const log = partlyHandedOut();
    log.truncateAndAppend([entry(5, 2)]);
    log.stableTo(5, 1);
    expect(indexes(log.nextEntries())).toEqual(["2/5"]);
    expect(log.term(5)).toBe(2);
  });

  it("ignores answers about entries that it does not hold", () => {
    const log = partlyHandedOut();
    log.stableTo(4, 1);
    log.stableTo(7, 1);
    expect([log.offset, log.lastIndex]).toEqual([5, 6]);
  });

  it("writes a replaced entry again", () => {
    const log = partlyHandedOut();
    log.acceptInProgress();
    log.truncateAndAppend([entry(6, 2), entry(7, 2)]);
    expect(indexes(log.nextEntries())).toEqual(["2/6", "2/7"]);
  });

  it("starts over below its offset when older, durable entries are replaced", () => {
    const log = partlyHandedOut();
    log.truncateAndAppend([entry(3, 2)]);
    expect([log.offset, log.lastIndex]).toEqual([3, 3]);
    expect(indexes(log.nextEntries())).toEqual(["2/3"]);
  });

  it("refuses a gap", () => {
    expect(() => partlyHandedOut().truncateAndAppend([entry(8, 1)])).toThrow(RaftInvariantError);
  });

  it("forgets everything for a snapshot, and knows its term until it is installed", () => {
    const log = partlyHandedOut();
    const snapshot = { index: 9, term: 3, confState: EMPTY_CONF_STATE, data: undefined };
    log.restore(snapshot);
    expect([log.lastIndex, log.term(9), log.hasEntries]).toEqual([9, 3, false]);
    expect(log.nextSnapshot()).toBe(snapshot);
    log.acceptInProgress();
    expect(log.nextSnapshot()).toBeUndefined();
    log.stableSnapshotTo(8);
    expect(log.snapshot).toBe(snapshot);
    log.stableSnapshotTo(9);
    expect(log.snapshot).toBeUndefined();
  });

  it("cuts a slice at the byte limit, but gives one entry at least", () => {
    const log = new UnstableLog(1);
    log.truncateAndAppend([entry(1, 1, 100), entry(2, 1, 100), entry(3, 1, 100)]);
    expect(indexes(log.slice(1, 4, 0))).toEqual(["1/1"]);
    expect(indexes(log.slice(1, 4, 224))).toEqual(["1/1", "1/2"]);
    expect(indexes(log.slice(1, 4, 223))).toEqual(["1/1"]);
    expect(indexes(log.slice(2, 3, 1000))).toEqual(["1/2"]);
  });

  it("hands out arrays that later changes do not touch", () => {
    const log = partlyHandedOut();
    const handedOut = log.nextEntries();
    log.truncateAndAppend([entry(6, 2)]);
    log.stableTo(5, 1);
    expect(indexes(handedOut)).toEqual(["1/6"]);
  });
});
