import { type BrokerId, CONTROLLER_GROUP } from "@stratalog/base";
import type { DescribeClusterResponse, Input } from "@stratalog/protocol";
import { checkFormed } from "./call-context.ts";
import { brokerView } from "./metadata-service.ts";
import type { ClusterMetadata, Leaders } from "./ports.ts";
import { isInternal } from "./topic-view.ts";

/** Whose view it is, and who may become the controller. */
export interface ClusterViewSources {
  readonly brokerId: BrokerId;
  readonly metadata: ClusterMetadata;
  readonly leaders: Leaders;
  /** Brokers that vote on the controller. */
  readonly controllerVoters: readonly BrokerId[];
}

/** The cluster and its brokers as this broker sees them. Throws CLUSTER_NOT_FORMED. */
export function describeCluster(
  sources: ClusterViewSources,
  listener: string,
): Input<DescribeClusterResponse> {
  const { brokerId, metadata, leaders, controllerVoters } = sources;
  checkFormed(metadata);
  const { image } = metadata;
  const leaderCounts = new Map<number, number>();
  const replicaCounts = new Map<number, number>();
  let topicCount = 0;
  let partitionCount = 0;
  for (const topic of image.topics.values()) {
    if (!isInternal(topic)) {
      topicCount++;
      partitionCount += topic.partitions.length;
    }
    for (const partition of topic.partitions) {
      const leader = leaders.leaderOf(partition.group)?.leader;
      if (leader !== undefined) increment(leaderCounts, leader);
      for (const replica of partition.replicas) increment(replicaCounts, replica.brokerId);
    }
  }
  const brokers = [...image.brokers.values()].toSorted((a, b) => a.brokerId - b.brokerId);
  return {
    clusterId: image.clusterId,
    controllerId: leaders.leaderOf(CONTROLLER_GROUP)?.leader,
    brokers: brokers.map((broker) => ({
      ...brokerView(broker, listener),
      leaderCount: leaderCounts.get(broker.brokerId),
      replicaCount: replicaCounts.get(broker.brokerId),
      brokerEpoch: broker.brokerEpoch,
      controllerVoter: controllerVoters.includes(broker.brokerId),
    })),
    topicCount,
    partitionCount,
    answeringBrokerId: brokerId,
  };
}

function increment(counts: Map<number, number>, key: number): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
