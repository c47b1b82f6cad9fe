import type { BrokerId } from "@stratalog/base";
import type { DescribeReplicationResponse, Input } from "@stratalog/protocol";
import type { FollowerProgress, LedPartition, ReplicaLookup } from "../replicas/replica-lookup.ts";
import type { ClusterMetadata } from "./ports.ts";

/** Whose view of replication it is. */
export interface ReplicationSources {
  readonly brokerId: BrokerId;
  readonly metadata: ClusterMetadata;
  readonly replicas: ReplicaLookup;
}

/** How far the replicas are of everything that this broker leads. */
export function describeReplication(
  sources: ReplicationSources,
): Input<DescribeReplicationResponse> {
  const { brokerId, replicas } = sources;
  return {
    answeringBrokerId: brokerId,
    damagedReplicaCount: replicas.damagedCount,
    partitions: replicas.ledPartitions().map(({ topic, partition, term, followers }) => ({
      topic,
      partition,
      leaderEpoch: term,
      followers: followers.map((follower) => ({
        brokerId: follower.brokerId,
        lagBatches: follower.lagEntries,
        inSync: isInSync(sources, follower),
      })),
    })),
  };
}

/** Partitions led here of which a replica is out of reach or behind. */
export function underReplicatedCount(sources: ReplicationSources): number {
  const isShort = ({ followers }: LedPartition): boolean =>
    followers.some((follower) => !isInSync(sources, follower));
  return sources.replicas.ledPartitions().filter(isShort).length;
}

/** A follower on a broker that the controller counts out is away, even if it lacks nothing yet. */
function isInSync({ metadata }: ReplicationSources, follower: FollowerProgress): boolean {
  const isFenced = metadata.image.brokers.get(follower.brokerId)?.isFenced ?? true;
  return follower.isReplicating && !isFenced;
}
