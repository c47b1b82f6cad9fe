import {
  type BrokerId,
  groupNumber,
  type PartitionNumber,
  type ReplicaEpoch,
} from "@stratalog/base";
import type { MetadataImage, PartitionImage } from "../image.ts";

/**
 * Numbers for new partitions: each gets a Raft group of its own, never used before, and all their
 * replicas the next epoch. The counters follow when the record is replayed.
 */
export function partitionImages(request: {
  readonly image: MetadataImage;
  readonly placed: readonly (readonly BrokerId[])[];
  readonly firstPartition: number;
}): readonly PartitionImage[] {
  const { image, placed, firstPartition } = request;
  // The counter is a checked number below 2^32; the record's reader checks it again.
  const replicaEpoch = image.nextEpoch as ReplicaEpoch;
  return placed.map((brokers, index) => ({
    partition: (firstPartition + index) as PartitionNumber,
    group: groupNumber(image.nextGroup + index),
    replicas: brokers.map((brokerId) => ({ brokerId, replicaEpoch })),
  }));
}
