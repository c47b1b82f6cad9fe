import { SeededRandom } from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { applyMutant } from "./mutant.ts";
import { drawMutants, mutantsOf } from "./operators.ts";

const text = `import { a } from "b";
// if (x < y) return;
export function f(x: number): boolean {
  this.count = x + 1;
  g(x);
  assert(x <= 3, "x <= 3");
  const label = "a && b";
  return x < 2 && label === "true";
}
`;

describe("operator mutants", () => {
  it("swap tokens, drop statements and swap neighbours, sparing comments, texts and assertions", () => {
    const ids = mutantsOf("x.ts", text).map(({ id }) => id);
    expect(ids).toEqual([
      'x.ts:4:17 "+ 1" becomes ""',
      'x.ts:4 dropped "this.count = x + 1;"',
      'x.ts:4 swapped with the next "this.count = x + 1;"',
      'x.ts:5 dropped "g(x);"',
      'x.ts:8:11 "<" becomes "<="',
      'x.ts:8:24 "===" becomes "!=="',
      'x.ts:8:15 "&&" becomes "||"',
    ]);
  });

  it("spare types, and swaps of assignments that do not touch each other", () => {
    const body = "  a.b = c;\n  d.e++;\n  f.g = d.e;\n  h.i = j();\n  k.l = 1;\n";
    const kinds = "export type T =\n  | { readonly ok: true }\n  | { readonly ok: false };\n";
    const ids = mutantsOf("x.ts", body + kinds).map(({ id }) => id);
    expect(ids.filter((id) => id.includes("swapped"))).toEqual([
      'x.ts:2 swapped with the next "d.e++;"',
      'x.ts:3 swapped with the next "f.g = d.e;"',
      'x.ts:4 swapped with the next "h.i = j();"',
    ]);
    expect(ids.filter((id) => id.includes("becomes"))).toEqual([]);
  });

  it("spare swaps of arithmetic that names nothing of each other, where a suite wants it", () => {
    const lines = [
      "  this.#sizes[slot] = bytes;",
      "  this.#count++;",
      "  this.#next = Math.max(this.#count, 1);",
      "  this.#nextTerm = new Term(1);",
      "  this.#next = this.#draw(this.#next);",
      "  leader.role = x;",
      "  state.leader = leader.role;",
    ];
    const swapped = (sparesPureSwaps: boolean): readonly string[] =>
      mutantsOf("x.ts", `${lines.join("\n")}\n`, { sparesPureSwaps })
        .map(({ id }) => id)
        .filter((id) => id.includes("swapped"));
    expect(swapped(false)).toHaveLength(6);
    expect(swapped(true)).toEqual([
      'x.ts:2 swapped with the next "this.#count++;"',
      'x.ts:4 swapped with the next "this.#nextTerm = new Term(1);"',
      'x.ts:5 swapped with the next "this.#next = this.#draw(this.#next);"',
      'x.ts:6 swapped with the next "leader.role = x;"',
    ]);
  });

  it("spare swaps of writes to fields of a format", () => {
    const body = "  writeUint32(bytes, 0, a);\n  writeInt64(bytes, 4, b);\n  bytes.set(c);\n";
    const swaps = mutantsOf("x.ts", body).filter(({ id }) => id.includes("swapped"));
    expect(swaps.map(({ id }) => id)).toEqual([
      'x.ts:2 swapped with the next "writeInt64(bytes, 4, b);"',
    ]);
  });

  it("apply at their own place", () => {
    const [first] = mutantsOf("x.ts", text);
    expect(first).toBeDefined();
    if (first === undefined) return;
    expect(applyMutant(first, text)).toBe(text.replace("x + 1", "x"));
  });

  it("draw the same for the same seed", () => {
    const all = mutantsOf("x.ts", text);
    const draw = (seed: number): readonly string[] =>
      drawMutants(all, 3, new SeededRandom(seed)).map(({ id }) => id);
    expect(draw(5)).toEqual(draw(5));
    expect(new Set(draw(5)).size).toBe(3);
    expect(drawMutants(all, 99, new SeededRandom(1))).toHaveLength(all.length);
  });

  it("of the planted kind refuse to apply when their place is gone or ambiguous", () => {
    const mutant = { id: "m", path: "x.ts", find: "a", replace: "b" };
    expect(applyMutant(mutant, "xay")).toBe("xby");
    expect(applyMutant(mutant, "xyz")).toBeUndefined();
    expect(applyMutant(mutant, "aa")).toBeUndefined();
  });
});
