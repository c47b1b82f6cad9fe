import {
  type BrokerId,
  CONTROLLER_GROUP,
  type GroupNumber,
  type ReplicaIdentity,
} from "@stratalog/base";
import type { MetadataImage, PartitionImage, TopicImage } from "@stratalog/metadata";

/** A replica that the metadata places on this broker. */
export interface WantedReplica {
  readonly topic: TopicImage;
  readonly partition: PartitionImage;
  readonly self: ReplicaIdentity;
}

/** All replicas that the metadata places on a broker. */
export function wantedReplicas(
  image: MetadataImage,
  broker: BrokerId,
): ReadonlyMap<GroupNumber, WantedReplica> {
  const wanted = new Map<GroupNumber, WantedReplica>();
  for (const topic of image.topics.values()) {
    for (const partition of topic.partitions) {
      const self = partition.replicas.find((replica) => replica.brokerId === broker);
      if (self !== undefined) wanted.set(partition.group, { topic, partition, self });
    }
  }
  return wanted;
}

/** All groups that some broker's replicas belong to. */
export function placedGroups(image: MetadataImage): ReadonlySet<GroupNumber> {
  const placed = new Set<GroupNumber>();
  for (const topic of image.topics.values()) {
    for (const { group } of topic.partitions) placed.add(group);
  }
  return placed;
}

/**
 * Whether a group's files may go: the metadata has counted past its number and does not know it, so
 * its topic was deleted.
 * Metadata that is behind does not know of newer groups either, and must not delete them.
 */
export function isDeletedGroup(
  image: MetadataImage,
  group: GroupNumber,
  placed: ReadonlySet<GroupNumber>,
): boolean {
  return group !== CONTROLLER_GROUP && group < image.nextGroup && !placed.has(group);
}
