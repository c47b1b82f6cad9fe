import { TOPIC_CONFIG, TOPIC_CONFIG_NAMES, type TopicConfigOverrides } from "@stratalog/metadata";
import type { PartitionImage, TopicImage } from "@stratalog/metadata";
import type { Input, PartitionMetadata, TopicDescription, TopicSummary } from "@stratalog/protocol";
import type { Leaders } from "./ports.ts";

/** A partition as clients see it: who has it and, as far as this broker heard, who leads it. */
export function partitionView(
  partition: PartitionImage,
  leaders: Leaders,
): Input<PartitionMetadata> {
  const known = leaders.leaderOf(partition.group);
  return {
    partition: partition.partition,
    ...(known === undefined ? {} : { leaderId: known.leader, leaderEpoch: known.term }),
    replicaIds: partition.replicas.map((replica) => replica.brokerId),
  };
}

/** Whether a topic is the cluster's own. */
export function isInternal(topic: TopicImage): boolean {
  return topic.kind !== "clients";
}

/** One line of a list of topics. */
export function topicSummary(topic: TopicImage): Input<TopicSummary> {
  return {
    name: topic.name,
    topicId: topic.topicId,
    internal: isInternal(topic),
    partitionCount: topic.partitions.length,
    replicationFactor: topic.replicationFactor,
  };
}

/** Everything about a topic. `defaults` are the broker's, over the built-in ones. */
export function topicDescription(
  topic: TopicImage,
  leaders: Leaders,
  defaults: TopicConfigOverrides,
): Input<TopicDescription> {
  return {
    ...topicSummary(topic),
    partitions: topic.partitions.map((partition) => partitionView(partition, leaders)),
    config: TOPIC_CONFIG_NAMES.map((name) => {
      const set = topic.config[name];
      return {
        name,
        value: set ?? defaults[name] ?? String(TOPIC_CONFIG[name].default),
        source: set === undefined ? "CONFIG_SOURCE_DEFAULT" : "CONFIG_SOURCE_TOPIC",
      };
    }),
  };
}
