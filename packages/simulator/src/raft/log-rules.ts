import type { MemoryLog } from "@stratalog/raft-host/testing";
import { must } from "./violation.ts";

/**
 * Log matching: where two logs have an entry of the same index and term, they are equal in all
 * entries up to there. Frames are compared by term and offset; payloads are covered by the digests
 * of what is committed.
 */
export function checkLogMatching(group: number, a: MemoryLog, b: MemoryLog): void {
  const from = Math.max(a.firstIndex, b.firstIndex);
  let index = Math.min(a.lastIndex, b.lastIndex);
  while (index >= from && a.term(index) !== b.term(index)) index--;
  for (; index >= from; index--) {
    const [left, right] = [a.frame(index), b.frame(index)];
    must(
      left?.term === right?.term && left?.baseOffset === right?.baseOffset,
      `log matching: group ${group} differs at index ${index} below a common entry`,
    );
  }
}
