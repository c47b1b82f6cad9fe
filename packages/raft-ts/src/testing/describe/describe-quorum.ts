import type { AckedIndexes } from "../../core/quorum/majority.ts";

/**
 * A chart of who acknowledged what: one line per voter, the bar as long as the number of voters
 * that are behind it.
 */
export function describeAcked(ids: readonly number[], acked: AckedIndexes): string {
  if (ids.length === 0) return "<empty majority quorum>";
  const count = ids.length;
  const indexes = ids.map((id) => acked.ackedIndex(id));
  const lines = ids.map((id, position) => {
    const index = indexes[position];
    const bar = indexes.filter((other) => (other ?? 0) < (index ?? 0)).length;
    const picture =
      index === undefined
        ? `?${" ".repeat(count)}`
        : `${"x".repeat(bar)}>${" ".repeat(count - bar)}`;
    return `${picture} ${String(index ?? 0).padStart(5)}    (id=${id.toString(16)})\n`;
  });
  return `${" ".repeat(count)}    idx\n${lines.join("")}`;
}
