import type { LogFacts } from "./sim-disk.ts";
import { must } from "./violation.ts";

/**
 * Log matching: where two logs have an entry of the same index and term, they are equal in all
 * entries up to there. Terms are compared here; offsets and payloads are covered by the digests of
 * what is committed.
 */
export function checkLogMatching(group: number, a: LogFacts, b: LogFacts): void {
  const from = Math.max(a.firstIndex, b.firstIndex);
  let index = Math.min(a.lastIndex, b.lastIndex);
  while (index >= from && a.term(index) !== b.term(index)) index--;
  for (; index >= from; index--) {
    must(
      a.term(index) === b.term(index),
      `log matching: group ${group} differs at index ${index}: ${a.term(index)} and ${b.term(index)}, logs ${a.firstIndex}-${a.lastIndex} and ${b.firstIndex}-${b.lastIndex}`,
    );
  }
}
