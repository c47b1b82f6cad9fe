import { describe, expect, it } from "vitest";
import { MemoryStorage } from "../../memory/memory-storage.ts";
import { RaftInvariantError } from "../assert.ts";
import { type Entry, NO_LIMIT } from "../types.ts";
import { type LogRead, RaftLog } from "./raft-log.ts";

const PAYLOAD_BYTES = 8;
const ENTRY_BYTES = PAYLOAD_BYTES + 12;

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: new Uint8Array(PAYLOAD_BYTES) };
}

/** A log with these terms from index 1, of which the first `storedCount` are durable. */
function logOf(terms: readonly number[], storedCount = terms.length, limit = NO_LIMIT): RaftLog {
  const storage = new MemoryStorage();
  const entries = terms.map((term, position) => entry(position + 1, term));
  storage.append(entries.slice(0, storedCount));
  const log = new RaftLog({
    storage,
    commit: 0,
    applied: 0,
    configurationIndexes: [],
    maxApplyingBytes: limit,
  });
  if (storedCount < terms.length) log.append(entries.slice(storedCount));
  return log;
}

function positions(read: LogRead): readonly number[] | string {
  return typeof read === "string" ? read : read.map(({ index }) => index);
}

describe("which log is more complete", () => {
  it.each([
    ["a later last term wins, however short the log", 1, 3, true],
    ["an earlier last term loses, however long the log", 9, 1, false],
    ["with equal terms the longer log wins", 4, 2, true],
    ["an equal log is complete enough", 3, 2, true],
    ["with equal terms the shorter log loses", 2, 2, false],
  ])("%s", (_, lastIndex, lastTerm, expected) => {
    expect(logOf([1, 1, 2]).isUpToDate(lastIndex, lastTerm)).toBe(expected);
  });
});

describe("an append from the leader", () => {
  it("is refused where the position before it does not match", () => {
    const log = logOf([1, 1, 2]);
    expect(log.maybeAppend(3, 1, [entry(4, 3)])).toBe(false);
    expect(log.maybeAppend(4, 2, [entry(5, 3)])).toBe(false);
    expect(log.lastIndex).toBe(3);
  });

  it("leaves what is there already, and keeps a longer log", () => {
    const log = logOf([1, 1, 2, 2]);
    expect(log.maybeAppend(1, 1, [entry(2, 1), entry(3, 2)])).toBe(true);
    expect([log.lastIndex, log.unstable.hasEntries]).toEqual([4, false]);
  });

  it("cuts the log where it conflicts", () => {
    const log = logOf([1, 1, 2, 2]);
    expect(log.maybeAppend(2, 1, [entry(3, 3)])).toBe(true);
    expect([log.lastIndex, log.term(3), log.unstable.offset]).toEqual([3, 3, 3]);
  });

  it("stops when it would replace something committed", () => {
    const log = logOf([1, 1, 2]);
    log.commitTo(3);
    expect(() => log.maybeAppend(2, 1, [entry(3, 3)])).toThrow(RaftInvariantError);
  });
});

describe("the commit index", () => {
  it("rises and never falls", () => {
    const log = logOf([1, 1, 2]);
    expect(log.commitTo(2)).toBe(true);
    expect(log.commitTo(1)).toBe(false);
    expect(log.committed).toBe(2);
  });

  it("stops beyond the end of the log", () => {
    expect(() => logOf([1]).commitTo(2)).toThrow(RaftInvariantError);
  });
});

describe("the last position that may match", () => {
  it.each([
    [5, 5, { index: 5, term: 4 }],
    [5, 3, { index: 4, term: 3 }],
    [5, 2, { index: 2, term: 1 }],
    [9, 4, { index: 9, term: 0 }],
    [2, 0, { index: 0, term: 0 }],
  ])("from %i with term %i", (index, term, expected) => {
    expect(logOf([1, 1, 3, 3, 4]).lastPossibleMatch(index, term)).toEqual(expected);
  });
});

describe("a range of the log", () => {
  it("goes over the end of what is durable", () => {
    const log = logOf([1, 1, 1, 1], 2);
    expect(positions(log.slice(1, 5, NO_LIMIT))).toEqual([1, 2, 3, 4]);
    expect(positions(log.slice(3, 5, NO_LIMIT))).toEqual([3, 4]);
    expect(positions(log.slice(1, 3, NO_LIMIT))).toEqual([1, 2]);
    expect(positions(log.slice(2, 2, NO_LIMIT))).toEqual([]);
  });

  it("ends at the byte limit on either side", () => {
    const log = logOf([1, 1, 1, 1], 2);
    expect(positions(log.slice(1, 5, 0))).toEqual([1]);
    expect(positions(log.slice(1, 5, 2 * ENTRY_BYTES))).toEqual([1, 2]);
    expect(positions(log.slice(1, 5, 3 * ENTRY_BYTES - 1))).toEqual([1, 2]);
    expect(positions(log.slice(1, 5, 3 * ENTRY_BYTES))).toEqual([1, 2, 3]);
    expect(positions(log.slice(2, 5, ENTRY_BYTES))).toEqual([2]);
  });

  it("is compacted below the first index, whose predecessor's term is still known", () => {
    const storage = new MemoryStorage();
    storage.append([1, 2, 3, 4].map((index) => entry(index, index)));
    storage.compact(2);
    const log = new RaftLog({
      storage,
      commit: 4,
      applied: 2,
      configurationIndexes: [],
      maxApplyingBytes: NO_LIMIT,
    });
    expect(log.slice(2, 5, NO_LIMIT)).toBe("compacted");
    expect([log.term(1), log.term(2), log.term(4), log.term(5)]).toEqual([
      "compacted",
      2,
      4,
      "unavailable",
    ]);
  });
});

describe("applying", () => {
  it("hands out each committed entry once, within the byte limit, until it is confirmed", () => {
    const log = logOf([1, 1, 1, 1], 4, 2 * ENTRY_BYTES);
    log.commitTo(4);
    const first = log.nextCommitted(false);
    expect(positions(first)).toEqual([1, 2]);
    if (typeof first !== "string") log.acceptApplying(first, false);
    expect(log.hasNextCommitted(false)).toBe(false);
    log.appliedTo(1, ENTRY_BYTES);
    expect(positions(log.nextCommitted(false))).toEqual([3]);
    log.appliedTo(2, ENTRY_BYTES);
    expect(positions(log.nextCommitted(false))).toEqual([3, 4]);
  });

  it("waits for the disk where it must", () => {
    const log = logOf([1, 1, 1], 1);
    log.commitTo(3);
    expect(positions(log.nextCommitted(false))).toEqual([1]);
    expect(positions(log.nextCommitted(true))).toEqual([1, 2, 3]);
  });

  it("stops outside of what is committed and not applied", () => {
    const log = logOf([1, 1, 1]);
    log.commitTo(2);
    log.appliedTo(1, 0);
    expect(() => log.appliedTo(3, 0)).toThrow(RaftInvariantError);
    expect(() => log.appliedTo(0, 0)).toThrow(RaftInvariantError);
  });
});
