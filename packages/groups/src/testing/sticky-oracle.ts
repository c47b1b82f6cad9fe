import { assert, type MemberId } from "@stratalog/base";
import type { Group } from "../core/group.ts";
import { type PartitionKey, parsePartitionKey } from "../core/partition-key.ts";

/**
 * Asserts that a new target takes no more from anybody than an even share needs. Speaks of the
 * uniform assignor where all members want the same topics; of the rest nothing is claimed.
 */
export function checkMoves(before: Group | undefined, after: Group | undefined): void {
  if (after === undefined || after.assignor !== "uniform") return;
  if (before === undefined || before.assignmentEpoch === after.assignmentEpoch) return;
  const members = [...after.members.values()];
  const wishes = new Set(
    members.map(({ topics, prefixes = [] }) => JSON.stringify([topics, prefixes])),
  );
  if (wishes.size !== 1) return;
  const sizes = members.map(({ memberId }) => after.targets.get(memberId)?.size ?? 0);
  assert(Math.max(...sizes) - Math.min(...sizes) <= 1, "uniform shares differ by at most one");
  const previous = members.map(({ memberId }) => stillThere(before, after, memberId));
  const lost = members.reduce((sum, { memberId }, index) => {
    const target = after.targets.get(memberId);
    const gone = [...(previous[index] ?? [])].filter((key) => target?.has(key) !== true);
    return sum + gone.length;
  }, 0);
  const least = leastLost(
    previous.map((keys) => keys.length),
    sizes.reduce((sum, size) => sum + size, 0),
  );
  assert(lost === least, `${lost} partitions move where ${least} would do`);
}

/** What a member had of what there still is. */
function stillThere(before: Group, after: Group, memberId: MemberId): readonly PartitionKey[] {
  return [...(before.targets.get(memberId) ?? [])].filter((key) => {
    const { topicId, partition } = parsePartitionKey(key);
    return partition < (after.topics.get(topicId)?.partitionCount ?? 0);
  });
}

/**
 * The fewest partitions that an even sharing of `total` takes from members who have so many now:
 * each keeps up to a small share, and as many as there are larger shares keep one more.
 */
export function leastLost(had: readonly number[], total: number): number {
  const share = Math.floor(total / had.length);
  let larger = total % had.length;
  let lost = 0;
  for (const count of had) {
    const isLarger = count > share && larger > 0;
    if (isLarger) larger -= 1;
    lost += Math.max(0, count - share - (isLarger ? 1 : 0));
  }
  return lost;
}
