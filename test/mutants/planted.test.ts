import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../skips.ts";
import { applyMutant } from "./mutant.ts";
import { SUITES } from "./suites.ts";

describe.each(SUITES)("planted bugs of $name", ({ planted }) => {
  it("have names of their own", () => {
    expect(new Set(planted.map(({ id }) => id)).size).toBe(planted.length);
  });

  it("apply to the sources as they are, each in exactly one place", () => {
    const gone = planted.filter((mutant) => {
      const text = readFileSync(`${repositoryRoot}${mutant.path}`, "utf8");
      return applyMutant(mutant, text) === undefined;
    });
    expect(gone.map(({ id }) => id)).toEqual([]);
  });
});
