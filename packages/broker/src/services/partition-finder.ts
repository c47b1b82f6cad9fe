import { CodedError, type ErrorDetails } from "@stratalog/base";
import {
  checkTopicName,
  isInternalName,
  type MetadataImage,
  type TopicImage,
  topicByName,
} from "@stratalog/metadata";
import type { PartitionService } from "@stratalog/partition";
import type { ReplicaLookup } from "../replicas/replica-lookup.ts";
import type { ClusterMetadata } from "./ports.ts";

/** A partition by name, and the topic's identity when the caller is sure of it. */
export interface PartitionName {
  readonly topic: string;
  readonly partition: number;
  /** Empty: not checked. */
  readonly topicId?: string;
}

/** Finds the replica that a request is for, or the error that says where to go instead. */
export class PartitionFinder {
  readonly #replicas: Pick<ReplicaLookup, "lookup">;
  readonly #metadata: ClusterMetadata;

  constructor(replicas: Pick<ReplicaLookup, "lookup">, metadata: ClusterMetadata) {
    this.#replicas = replicas;
    this.#metadata = metadata;
  }

  /** The replica on this broker; it says itself whether it leads. Throws a CodedError. */
  find(name: PartitionName): PartitionService {
    const { topic, partition, topicId } = name;
    if (topicId !== undefined && topicId !== "") this.#checkTopicId(topic, topicId);
    const place = this.#replicas.lookup(topic, partition);
    switch (place.kind) {
      case "local":
        return place.replica;
      case "elsewhere": {
        const where: ErrorDetails = { topic, partition };
        if (place.leader === undefined) {
          throw new CodedError("LEADER_NOT_AVAILABLE", `${topic}/${partition} has no leader yet`, {
            details: where,
          });
        }
        throw new CodedError(
          "NOT_LEADER",
          `${topic}/${partition} is not here; broker ${place.leader} leads it`,
          {
            details: {
              ...where,
              leaderId: place.leader,
              ...(place.leaderEpoch === undefined ? {} : { leaderEpoch: place.leaderEpoch }),
            },
          },
        );
      }
      case "unknown":
        throw unknownPartition(this.#metadata.image, topic, partition);
    }
  }

  #checkTopicId(topic: string, topicId: string): void {
    const known = topicByName(this.#metadata.image, topic);
    if (known === undefined || known.topicId === topicId) return;
    throw new CodedError(
      "UNKNOWN_TOPIC_OR_PARTITION",
      `topic ${topic} was deleted and created again; refresh metadata`,
      { details: { topic, topicId: known.topicId } },
    );
  }
}

/** Why a topic cannot be used under this name. */
export function unknownTopic(topic: string): CodedError {
  const problem = checkTopicName(topic);
  if (problem !== undefined) return new CodedError("INVALID_TOPIC", problem);
  return new CodedError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic ${topic} does not exist (on this broker, yet)`,
    { details: { topic } },
  );
}

/** The topic of a name, for clients. Throws what {@link unknownTopic} says. */
export function existingTopic(image: MetadataImage, topic: string): TopicImage {
  const known = topicByName(image, topic);
  if (known === undefined) throw unknownTopic(topic);
  return known;
}

function unknownPartition(image: MetadataImage, topic: string, partition: number): CodedError {
  const known = topicByName(image, topic);
  if (known === undefined) return unknownTopic(topic);
  if (isInternalName(topic)) {
    return new CodedError("INVALID_TOPIC", `topic ${topic} is the cluster's own`);
  }
  const partitionCount = known.partitions.length;
  return new CodedError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic ${topic} has partitions 0 to ${partitionCount - 1}, not ${partition}`,
    { details: { topic, partition, partitionCount } },
  );
}
