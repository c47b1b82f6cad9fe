import { type MemberId, present, type TopicId } from "@stratalog/base";
import {
  comparePartitionKeys,
  type PartitionKey,
  parsePartitionKey,
  partitionKey,
} from "../partition-key.ts";
import type { AssignorInput, Targets } from "./assignor.ts";

interface Share {
  readonly memberId: MemberId;
  readonly topics: ReadonlySet<TopicId>;
  readonly partitions: Set<PartitionKey>;
  /**
   * The partitions in the order in which they would be given away; undefined when it must be made
   * anew.
   */
  givingOrder: PartitionKey[] | undefined;
}

/**
 * Even and sticky. Each member keeps what it had and still wants; partitions without an owner go to
 * the member with the fewest that wants them; then single partitions move from the member with the
 * most to the one with the fewest, while that has at least two fewer. Each move shrinks the sum of
 * squares, so this ends.
 *
 * When all members want the same topics, shares differ by at most one and no assignment as even
 * moves fewer partitions: a member gives up only what it has above an even share.
 */
export function assignUniform(input: AssignorInput): Targets {
  const shares = keepPrevious(input);
  const owned = new Set(shares.flatMap((share) => [...share.partitions]));
  for (const { topicId, partitionCount } of input.topics) {
    const wanting = shares.filter((share) => share.topics.has(topicId));
    if (wanting.length === 0) continue;
    for (let partition = 0; partition < partitionCount; partition++) {
      const key = partitionKey(topicId, partition);
      if (!owned.has(key)) smallest(wanting).partitions.add(key);
    }
  }
  while (moveOne(shares));
  return new Map(shares.map(({ memberId, partitions }) => [memberId, partitions]));
}

function keepPrevious(input: AssignorInput): readonly Share[] {
  const counts = new Map(input.topics.map((topic) => [topic.topicId, topic.partitionCount]));
  const taken = new Set<PartitionKey>();
  return input.members.map(({ memberId, topics, previous }) => {
    const partitions = new Set<PartitionKey>();
    for (const key of previous) {
      const { topicId, partition } = parsePartitionKey(key);
      const exists = partition < (counts.get(topicId) ?? 0);
      if (exists && topics.has(topicId) && !taken.has(key)) {
        partitions.add(key);
        taken.add(key);
      }
    }
    return { memberId, topics, partitions, givingOrder: undefined };
  });
}

/** The first of the members with the fewest partitions. */
function smallest(shares: readonly Share[]): Share {
  let best = present(shares[0], "a member");
  for (const share of shares) {
    if (share.partitions.size < best.partitions.size) best = share;
  }
  return best;
}

/** Moves one partition from the largest share that can give one; false when none can. */
function moveOne(shares: readonly Share[]): boolean {
  const largestFirst = shares.toSorted((a, b) => b.partitions.size - a.partitions.size);
  return largestFirst.some((giver) => giveOne(giver, shares));
}

function giveOne(giver: Share, shares: readonly Share[]): boolean {
  const takers = shares.filter((share) => share.partitions.size + 2 <= giver.partitions.size);
  if (takers.length === 0) return false;
  // The last in order goes, so that the first ones, which were given out first, stay where they
  // are.
  giver.givingOrder ??= [...giver.partitions].toSorted(comparePartitionKeys);
  for (let i = giver.givingOrder.length - 1; i >= 0; i--) {
    const key = present(giver.givingOrder[i], "a partition to give");
    const { topicId } = parsePartitionKey(key);
    const wanting = takers.filter((taker) => taker.topics.has(topicId));
    if (wanting.length === 0) continue;
    const taker = smallest(wanting);
    giver.givingOrder.splice(i, 1);
    giver.partitions.delete(key);
    taker.partitions.add(key);
    taker.givingOrder = undefined;
    return true;
  }
  return false;
}
