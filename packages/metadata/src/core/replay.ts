import {
  assert,
  type BrokerId,
  type PersistentMap,
  present,
  type TopicId,
  unreachable,
} from "@stratalog/base";
import type { BrokerRegistration, MetadataImage, PartitionImage, TopicImage } from "./image.ts";
import type { MetadataRecord } from "./records.ts";

/**
 * The image after one more record. Deterministic and total on records that a handler made from this
 * image; anything else is a damaged log and stops the process.
 */
export function replay(image: MetadataImage, record: MetadataRecord): MetadataImage {
  switch (record.type) {
    case "cluster-formed":
      assert(image.clusterId === undefined, "a cluster is formed once");
      return { ...image, clusterId: record.clusterId, controllerVoters: record.voters ?? [] };
    case "broker-registered": {
      const { type: _, ...registration } = record;
      const nextEpoch = Math.max(image.nextEpoch, record.brokerEpoch + 1);
      return { ...withBroker(image, registration), nextEpoch };
    }
    case "broker-fenced":
      return withFencing(image, record.brokerId, true);
    case "broker-unfenced":
      return withFencing(image, record.brokerId, false);
    case "topic-created": {
      const { type: _, ...topic } = record;
      assert(!image.topicIds.has(topic.name), `topic ${topic.name} exists`);
      return {
        ...withPartitionCounters(image, topic.partitions),
        topics: image.topics.with(topic.topicId, topic),
        topicIds: image.topicIds.with(topic.name, topic.topicId),
      };
    }
    case "partitions-added": {
      const topic = topicOf(image.topics, record.topicId);
      const partitions = [...topic.partitions, ...record.partitions];
      assert(
        partitions.every((partition, index) => partition.partition === index),
        `partitions of ${topic.name} are dense`,
      );
      return {
        ...withPartitionCounters(image, record.partitions),
        topics: image.topics.with(topic.topicId, { ...topic, partitions }),
      };
    }
    case "topic-config-changed": {
      const topic = topicOf(image.topics, record.topicId);
      const changed = { ...topic, config: record.config };
      return { ...image, topics: image.topics.with(topic.topicId, changed) };
    }
    case "topic-deleted": {
      const topic = topicOf(image.topics, record.topicId);
      return {
        ...image,
        topics: image.topics.without(topic.topicId),
        topicIds: image.topicIds.without(topic.name),
      };
    }
    case "producer-ids-allocated":
      assert(record.nextProducerId >= image.nextProducerId, "producer ids only grow");
      return { ...image, nextProducerId: record.nextProducerId };
    case "counters-raised":
      return {
        ...image,
        nextGroup: Math.max(image.nextGroup, record.nextGroup),
        nextEpoch: Math.max(image.nextEpoch, record.nextEpoch),
        nextProducerId: Math.max(image.nextProducerId, record.nextProducerId),
      };
    default:
      return unreachable(record, "metadata record");
  }
}

/** The image after several records. */
export function replayAll(image: MetadataImage, records: Iterable<MetadataRecord>): MetadataImage {
  let result = image;
  for (const record of records) result = replay(result, record);
  return result;
}

function withBroker(image: MetadataImage, registration: BrokerRegistration): MetadataImage {
  const brokers = new Map(image.brokers).set(registration.brokerId, registration);
  return { ...image, brokers };
}

function withFencing(image: MetadataImage, brokerId: BrokerId, isFenced: boolean): MetadataImage {
  const registration = present(image.brokers.get(brokerId), `broker ${brokerId}`);
  return withBroker(image, { ...registration, isFenced });
}

function withPartitionCounters(
  image: MetadataImage,
  partitions: readonly PartitionImage[],
): MetadataImage {
  let { nextGroup, nextEpoch } = image;
  for (const { group, replicas } of partitions) {
    nextGroup = Math.max(nextGroup, group + 1);
    for (const { replicaEpoch } of replicas) nextEpoch = Math.max(nextEpoch, replicaEpoch + 1);
  }
  return { ...image, nextGroup, nextEpoch };
}

function topicOf(topics: PersistentMap<TopicId, TopicImage>, topicId: TopicId): TopicImage {
  return present(topics.get(topicId), `topic ${topicId}`);
}
