import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { repositoryRoot } from "../skips.ts";
import { ARGUED, argumentFor, linesOf, staleArguments } from "./argued.ts";
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

describe("arguments that a drawn mutant is no bug", () => {
  it("speak of code that is still there", () => {
    const read = (path: string): string => readFileSync(`${repositoryRoot}${path}`, "utf8");
    expect(staleArguments(read)).toEqual([]);
  });

  it("are found by the lines that a mutant changes", () => {
    const text = "a {\n  if (x <= y) return;\n  b();\n";
    const change = { position: text.indexOf(" <= "), find: " <= ", replace: " < " };
    expect(linesOf(text, change)).toEqual({
      before: "if (x <= y) return;",
      after: "if (x < y) return;",
      previous: "a {",
    });
    const [first] = ARGUED;
    expect(first).toBeDefined();
    if (first === undefined) return;
    const lines = { before: first.find, after: first.replace, previous: "any" };
    expect(argumentFor(first.path, lines)).toBe(first.reason);
    expect(argumentFor(first.path, { ...lines, after: "x" })).toBeUndefined();
  });
});
