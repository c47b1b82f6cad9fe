import type { MemberId } from "@stratalog/base";
import { type PartitionKey, partitionKey } from "../partition-key.ts";
import type { AssignorInput, Targets } from "./assignor.ts";

/**
 * Cuts each topic into consecutive ranges, one per member that wants it, the first ones longer by
 * one. Topics of equal size that are wanted by the same members are cut alike: partition n of each
 * lands on the same member.
 */
export function assignRange(input: AssignorInput): Targets {
  const targets = new Map<MemberId, Set<PartitionKey>>();
  for (const { memberId } of input.members) targets.set(memberId, new Set());
  for (const { topicId, partitionCount } of input.topics) {
    const wanting = input.members.filter((member) => member.topics.has(topicId));
    if (wanting.length === 0) continue;
    const share = Math.floor(partitionCount / wanting.length);
    const extra = partitionCount % wanting.length;
    let next = 0;
    for (const [position, { memberId }] of wanting.entries()) {
      const end = next + share + (position < extra ? 1 : 0);
      for (; next < end; next++) targets.get(memberId)?.add(partitionKey(topicId, next));
    }
  }
  return targets;
}
