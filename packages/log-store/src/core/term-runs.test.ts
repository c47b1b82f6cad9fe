// The table of term runs is compared with a plain list of terms.
import fc from "fast-check";
import { expect, test } from "vitest";
import { TermRuns } from "./term-runs.ts";

const steps = fc.array(
  fc.oneof(
    fc.record({ type: fc.constant("append" as const), raise: fc.constantFrom(0, 0, 1, 3) }),
    fc.record({ type: fc.constant("suffix" as const), part: fc.nat(100) }),
    fc.record({ type: fc.constant("prefix" as const), part: fc.nat(100) }),
  ),
  { maxLength: 80 },
);

test("terms by index are those of a plain list, whatever is appended and removed", () => {
  fc.assert(
    fc.property(steps, (list) => {
      const runs = new TermRuns({ runs: [], firstIndex: 1, lastIndex: 0, termBefore: 0 });
      let first = 1;
      let terms: number[] = [];
      let before = 0;
      for (const step of list) {
        const last = first + terms.length - 1;
        if (step.type === "append") {
          const term = Math.max(1, (terms.at(-1) ?? before) + step.raise);
          runs.append({ term, index: last + 1, baseOffset: last });
          terms.push(term);
        } else if (step.type === "suffix") {
          const from = first + Math.floor((terms.length * step.part) / 100);
          runs.truncateSuffix(from);
          terms = terms.slice(0, from - first);
        } else if (terms.length > 0) {
          const next = first + Math.floor((terms.length * step.part) / 100);
          runs.truncatePrefix(next, next);
          before = terms[next - first - 1] ?? before;
          terms = terms.slice(next - first);
          first = next;
        }
        expect(runs.term(first - 1)).toBe(before);
        for (const [at, term] of terms.entries()) expect(runs.term(first + at)).toBe(term);
        expect(runs.term(first + terms.length)).toBe("unavailable");
        if (first > 1) expect(runs.term(first - 2)).toBe("compacted");
        expect(runs.lastTerm).toBe(terms.at(-1) ?? before);
        expect(new Set(runs.list.map((run) => run.term)).size).toBe(runs.list.length);
      }
    }),
  );
});

test("a term below the last one is a bug", () => {
  const runs = new TermRuns({ runs: [], firstIndex: 1, lastIndex: 0, termBefore: 4 });
  expect(() => runs.append({ term: 3, index: 1, baseOffset: 0 })).toThrow(/term 3/);
});
