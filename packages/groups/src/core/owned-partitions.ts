import { assert, present } from "@stratalog/base";
import type { Group, Member, OwnedPartitions } from "./group.ts";
import {
  type PartitionKey,
  parsePartitionKey,
  partitionKey,
  partitionsByTopic,
} from "./partition-key.ts";
import type { OwnedList } from "./records.ts";

/** Owned partitions as they are written. */
export function ownedList(owned: OwnedPartitions): OwnedList {
  return partitionsByTopic(owned.keys()).map(({ topicId, partitions }) => ({
    topicId,
    partitions,
    sinceEpochs: partitions.map((partition) => {
      return present(owned.get(partitionKey(topicId, partition)), "since-epoch");
    }),
  }));
}

/** The inverse of {@link ownedList}. */
export function ownedFromList(list: OwnedList): OwnedPartitions {
  const owned = new Map<PartitionKey, number>();
  for (const { topicId, partitions, sinceEpochs } of list) {
    assert(partitions.length === sinceEpochs.length, "a since-epoch for every partition");
    for (const [index, partition] of partitions.entries()) {
      owned.set(partitionKey(topicId, partition), present(sinceEpochs[index], "since-epoch"));
    }
  }
  return owned;
}

/** Everything that a member may be working on. */
export function heldBy(member: Member): OwnedPartitions {
  return new Map([...member.assigned, ...member.revoking]);
}

/** Who holds what in a group; asserts that nothing is held twice. */
export function holdersOf(group: Group): Map<PartitionKey, Member> {
  const holders = new Map<PartitionKey, Member>();
  for (const member of group.members.values()) {
    for (const key of heldBy(member).keys()) {
      assert(!holders.has(key), `partition ${parsePartitionKey(key).partition} has two owners`);
      holders.set(key, member);
    }
  }
  return holders;
}
