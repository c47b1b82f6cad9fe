import { EMPTY_CONF_STATE, type Entry, type StorageAppendMessage } from "raft-ts";
import { describe, expect, it } from "vitest";
import { CoreLedger } from "./core-ledger.ts";
import { CoreLog } from "./core-log.ts";
import { EntryRegistry } from "./entry-registry.ts";

function entry(index: number, term: number): Entry {
  return { type: "normal", index, term, data: undefined };
}

function write(...entries: Entry[]): StorageAppendMessage {
  return { type: "storage-append", from: 1, to: 2, term: 1, entries, responses: [] };
}

function logOf(...entries: Entry[]): CoreLog {
  const log = new CoreLog(EMPTY_CONF_STATE);
  log.write(write(...entries));
  return log;
}

describe("the ledger of what is committed", () => {
  const first = entry(1, 1);
  const second = entry(2, 2);
  const ledger = new CoreLedger(EMPTY_CONF_STATE);
  ledger.commit(first, 1);
  ledger.commit(second, 3);

  it("knows another entry in the place of a committed one", () => {
    expect(() => ledger.apply(4, entry(1, 1))).toThrow(/state machine safety/);
    expect(() => ledger.apply(4, entry(3, 1))).toThrow(/only what is committed/);
    expect(() => ledger.checkCommit(4, logOf(first, entry(2, 1)), 2)).toThrow(/one entry/);
    expect(() => ledger.commit(entry(4, 3), 3)).toThrow(/no gap/);
    ledger.apply(4, second);
    ledger.checkCommit(4, logOf(first, second), 2);
  });

  it("knows a leader that misses what an earlier term committed", () => {
    expect(() => ledger.checkLeader(4, 4, logOf(first))).toThrow(/leader completeness/);
    // What a later term committed a leader need not have.
    ledger.checkLeader(4, 3, logOf(first));
    ledger.checkLeader(4, 4, logOf(first, second));
  });
});

describe("the registry of entries", () => {
  const leaderOf = (term: number): number => term;

  it("knows logs that differ below an entry that they share", () => {
    const registry = new EntryRegistry();
    const shared = entry(2, 2);
    registry.check(1, new CoreLog(EMPTY_CONF_STATE), write(entry(1, 1)), leaderOf);
    registry.check(2, logOf(entry(1, 1)), write(shared), leaderOf);
    registry.check(3, logOf(entry(1, 1)), write(shared), leaderOf);
    const other = logOf(entry(1, 0));
    expect(() => registry.check(3, other, write(shared), leaderOf)).toThrow(/log matching/);
    const twin = (): void => registry.check(2, logOf(entry(1, 1)), write(entry(2, 2)), leaderOf);
    expect(twin).toThrow(/another entry/);
  });

  it("knows an entry that no leader made, and a term that falls", () => {
    const registry = new EntryRegistry();
    const empty = new CoreLog(EMPTY_CONF_STATE);
    expect(() => registry.check(1, empty, write(entry(1, 2)), leaderOf)).toThrow(/leader of/);
    const after = logOf(entry(1, 5));
    expect(() => registry.check(2, after, write(entry(2, 2)), leaderOf)).toThrow(/never fall/);
    expect(() => registry.check(2, empty, write(entry(2, 2)), leaderOf)).toThrow(/connect/);
  });
});
