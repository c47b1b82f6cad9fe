import type { ConfState } from "raft-ts";
import { describe, expect, it } from "vitest";
import { Memberships } from "./memberships.ts";

const of = (...voters: number[]): ConfState => {
  return { voters, learners: [], votersOutgoing: [], learnersNext: [], autoLeave: false };
};

describe("Memberships", () => {
  it("answer with the membership as of an index", () => {
    const memberships = new Memberships(4, of(1));
    memberships.add(7, of(1, 2));
    memberships.add(9, of(1, 2, 3));
    const at = [0, 4, 6, 7, 8, 9, 50].map((index) => memberships.at(index)?.voters.length);
    expect(at).toEqual([1, 1, 1, 2, 2, 3, 3]);
  });

  it("keep what a snapshot may still need when they are trimmed", () => {
    const memberships = new Memberships(0, of(1));
    memberships.add(7, of(1, 2));
    memberships.add(9, of(1, 2, 3));
    memberships.trim(8);
    expect(memberships.at(8)).toEqual(of(1, 2));
    memberships.trim(100);
    expect(memberships.at(100)).toEqual(of(1, 2, 3));
    memberships.reset(200, of(5));
    expect(memberships.at(201)).toEqual(of(5));
  });
});
