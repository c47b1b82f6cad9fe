import { type Shaped, shape } from "@stratalog/base";
import { textMapShape, topicIdShape } from "../fields.ts";
import { expectedBrokerCount, type MetadataImage, type TopicKind, topicByName } from "../image.ts";
import { placePartitions } from "../placement.ts";
import { checkTopicSetting } from "../topic-config.ts";
import {
  checkTopicName,
  INTERNAL_PREFIX,
  isInternalName,
  isSameForMetrics,
} from "../topic-name.ts";
import {
  accept,
  type CommandContext,
  type CommandResult,
  type Refusal,
  refuse,
} from "./command-result.ts";
import { partitionImages } from "./partition-images.ts";

/** Creates a topic and places its partitions. */
export const createTopicShape = shape.object({
  /** Drawn by whoever asks, so that asking again after a lost answer finds the same topic. */
  topicId: topicIdShape,
  name: shape.text,
  /** Default "clients". */
  kind: shape.optional(shape.oneOf(["clients", "coordinator"])),
  /** 1 to 2,000; default 1. */
  partitionCount: shape.optional(shape.integer()),
  /** Default: 1 below three brokers, 3 from three on. */
  replicationFactor: shape.optional(shape.integer()),
  config: shape.optional(textMapShape),
});
export type CreateTopic = Shaped<typeof createTopicShape>;

/** What was created. */
export interface TopicCreated {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** Most partitions of a topic. */
export const PARTITIONS_PER_TOPIC_MAX = 2_000;
/** Most partitions of a cluster. */
export const PARTITIONS_MAX = 100_000;

/** 2 replicas are less available than 1 under Raft: the majority of 2 is 2. */
export function defaultReplicationFactor(image: MetadataImage): number {
  return expectedBrokerCount(image) >= 3 ? 3 : 1;
}

/**
 * Refuses bad names, counts, factors and settings; harmless when repeated with the same topic id.
 */
export function handleCreateTopic(
  image: MetadataImage,
  command: CreateTopic,
  context: CommandContext,
): CommandResult<TopicCreated> {
  const { topicId, name, kind = "clients", partitionCount = 1, config = {} } = command;
  const replicationFactor = command.replicationFactor ?? defaultReplicationFactor(image);
  const existing = topicByName(image, name);
  if (existing?.topicId === topicId) {
    return accept([], {
      topicId,
      name,
      partitionCount: existing.partitions.length,
      replicationFactor: existing.replicationFactor,
    });
  }
  const wrong =
    refuseName(name, kind) ??
    (image.topics.has(topicId)
      ? refuse("INVALID_REQUEST", `topic id ${topicId} is in use by another topic`)
      : undefined) ??
    (existing === undefined
      ? undefined
      : refuse("TOPIC_ALREADY_EXISTS", `topic ${name} exists already`, { topic: name })) ??
    refuseCollision(image, name) ??
    refusePartitionCount(image, partitionCount) ??
    refuseReplicationFactor(image, replicationFactor) ??
    refuseConfig(config);
  if (wrong !== undefined) return wrong;

  const { random } = context;
  const placed = placePartitions({
    image,
    partitionCount,
    replicationFactor,
    existing: [],
    random,
  });
  if (placed === undefined) return refuseNoLeader();
  const partitions = partitionImages({ image, placed, firstPartition: 0 });
  return accept(
    [{ type: "topic-created", topicId, name, kind, replicationFactor, config, partitions }],
    { topicId, name, partitionCount, replicationFactor },
  );
}

function refuseName(name: string, kind: TopicKind): Refusal | undefined {
  const wrong = checkTopicName(name);
  if (wrong !== undefined) return refuse("INVALID_TOPIC", wrong);
  if (kind === "clients" && isInternalName(name)) {
    return refuse(
      "INVALID_TOPIC",
      `names that begin with "${INTERNAL_PREFIX}" are reserved; choose another than ${name}`,
    );
  }
  return undefined;
}

/**
 * Kafka's rule, so that names move between both: whoever counts by topic would count the two as
 * one.
 */
function refuseCollision(image: MetadataImage, name: string): Refusal | undefined {
  if (!/[._]/.test(name)) return undefined;
  for (const existing of image.topicIds.keys()) {
    if (!isSameForMetrics(existing, name)) continue;
    return refuse(
      "INVALID_TOPIC",
      `topic ${name} differs from topic ${existing} only in "." and "_", which metrics take for ` +
        "the same; choose another name",
      { topic: name, existing },
    );
  }
  return undefined;
}

function refusePartitionCount(image: MetadataImage, partitionCount: number): Refusal | undefined {
  if (partitionCount < 1 || partitionCount > PARTITIONS_PER_TOPIC_MAX) {
    return refuse(
      "INVALID_PARTITIONS",
      `a topic has 1 to ${PARTITIONS_PER_TOPIC_MAX} partitions, not ${partitionCount}`,
    );
  }
  return refusePartitionTotal(image, partitionCount);
}

/** The limit of the whole cluster. */
export function refusePartitionTotal(image: MetadataImage, added: number): Refusal | undefined {
  let total = added;
  for (const topic of image.topics.values()) total += topic.partitions.length;
  if (total <= PARTITIONS_MAX) return undefined;
  return refuse("INVALID_PARTITIONS", `a cluster has at most ${PARTITIONS_MAX} partitions`);
}

function refuseReplicationFactor(
  image: MetadataImage,
  replicationFactor: number,
): Refusal | undefined {
  const registered = image.brokers.size;
  if (replicationFactor >= 1 && replicationFactor <= registered) return undefined;
  const brokers = expectedBrokerCount(image);
  if (replicationFactor >= 1 && replicationFactor <= brokers) {
    const message = `${registered} of the cluster's ${brokers} brokers are registered; try again`;
    return refuse("BROKER_NOT_AVAILABLE", message, { replicationFactor, brokers: registered });
  }
  return refuse(
    "INVALID_REPLICATION_FACTOR",
    replicationFactor < 1
      ? `a replication factor is at least 1, not ${replicationFactor}`
      : `replication factor ${replicationFactor} needs as many brokers; the cluster has ${brokers}`,
    { replicationFactor, brokers },
  );
}

/** The first setting that is not allowed. */
export function refuseConfig(config: Readonly<Record<string, string>>): Refusal | undefined {
  for (const [name, value] of Object.entries(config)) {
    const wrong = checkTopicSetting(name, value);
    if (wrong !== undefined) return refuse("INVALID_CONFIG", wrong, { name });
  }
  return undefined;
}

/** No broker is fit to lead a new partition right now. */
export function refuseNoLeader(): Refusal {
  return refuse(
    "BROKER_NOT_AVAILABLE",
    "every registered broker is fenced; try again when one is up",
  );
}
