import { describe, expect, it } from "vitest";
import type { Entry } from "../types.ts";
import { ConfigurationIndexes } from "./configuration-indexes.ts";

function change(index: number): Entry {
  return { type: "conf-change", index, term: 1, change: { transition: "auto", changes: [] } };
}

function normal(index: number): Entry {
  return { type: "normal", index, term: 1, data: undefined };
}

describe("the list of unapplied configuration entries", () => {
  it("answers for committed entries that are not applied", () => {
    const list = new ConfigurationIndexes([], 4);
    list.appended([normal(5), change(6), normal(7)]);
    expect(list.mayHaveUnapplied(4, 5)).toBe(false);
    expect(list.mayHaveUnapplied(4, 6)).toBe(true);
    expect(list.mayHaveUnapplied(6, 7)).toBe(false);
  });

  it("forgets what is applied and what is cut off", () => {
    const list = new ConfigurationIndexes([3, 8], 9);
    list.applied(3);
    list.appended([normal(8)]);
    expect(list.mayHaveUnapplied(2, 9)).toBe(false);
  });

  it("takes every entry of an unknown log for a change until it is applied", () => {
    const list = new ConfigurationIndexes(undefined, 9);
    expect(list.mayHaveUnapplied(5, 8)).toBe(true);
    expect(list.mayHaveUnapplied(8, 8)).toBe(false);
    list.appended([normal(10)]);
    list.applied(9);
    expect(list.mayHaveUnapplied(9, 10)).toBe(false);
  });

  it("does not suspect entries that replaced the unknown ones", () => {
    const list = new ConfigurationIndexes(undefined, 9);
    list.appended([normal(6)]);
    expect(list.mayHaveUnapplied(5, 6)).toBe(false);
  });

  it("is empty after a snapshot", () => {
    const list = new ConfigurationIndexes([7], 9);
    list.truncateFrom(0);
    expect(list.mayHaveUnapplied(0, 9)).toBe(false);
  });
});
