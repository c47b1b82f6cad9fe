import { describe, expect, it } from "vitest";
import { RaftInvariantError } from "../core/assert.ts";
import { EMPTY_CONF_STATE, type Entry } from "../core/types.ts";
import { MemoryStorage } from "./memory-storage.ts";

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: new Uint8Array(8) };
}

function storageOf(count: number): MemoryStorage {
  const storage = MemoryStorage.withVoters([1, 2]);
  storage.append(Array.from({ length: count }, (_, position) => entry(position + 1, 1)));
  return storage;
}

describe("storage in memory", () => {
  it("replaces what it has at the first appended index and above", () => {
    const storage = storageOf(4);
    storage.append([entry(3, 2)]);
    expect([storage.lastIndex(), storage.term(3), storage.term(2)]).toEqual([3, 2, 1]);
  });

  it("refuses a gap, and a range beyond its end", () => {
    expect(() => storageOf(2).append([entry(4, 1)])).toThrow(RaftInvariantError);
    expect(() => storageOf(2).entries(1, 4, 100)).toThrow(RaftInvariantError);
  });

  it("knows the term before its first entry", () => {
    const storage = storageOf(4);
    storage.compact(3);
    expect([storage.firstIndex(), storage.lastIndex()]).toEqual([4, 4]);
    expect([storage.term(2), storage.term(3), storage.term(5)]).toEqual([
      "compacted",
      1,
      "unavailable",
    ]);
    expect(storage.entries(3, 5, 100)).toBe("compacted");
  });

  it("gives one entry whatever the limit, and no more than fit", () => {
    const storage = storageOf(4);
    expect(storage.entries(1, 5, 0)).toHaveLength(1);
    expect(storage.entries(1, 5, 40)).toHaveLength(2);
    expect(storage.entries(1, 5, 39)).toHaveLength(1);
  });

  it("is replaced by a snapshot, and lists configuration entries after it", () => {
    const storage = storageOf(2);
    const snapshot = { index: 7, term: 3, confState: EMPTY_CONF_STATE, data: undefined };
    storage.applySnapshot(snapshot);
    expect([storage.firstIndex(), storage.lastIndex(), storage.term(7)]).toEqual([8, 7, 3]);
    const change = { transition: "auto", changes: [] } as const;
    storage.append([entry(8, 3), { type: "conf-change", index: 9, term: 3, change }]);
    expect(storage.initialState().configurationIndexes).toEqual([9]);
    expect(storage.snapshot()).toBe(snapshot);
  });
});
