import { type Shaped, shape } from "@stratalog/base";
import type { MetadataImage } from "../image.ts";
import { placePartitions } from "../placement.ts";
import { changeableTopic } from "./change-topic.ts";
import { accept, type CommandContext, type CommandResult, refuse } from "./command-result.ts";
import { PARTITIONS_PER_TOPIC_MAX, refuseNoLeader, refusePartitionTotal } from "./create-topic.ts";
import { partitionImages } from "./partition-images.ts";

/** Grows a topic. Keys move: a key's partition depends on the number of partitions. */
export const addPartitionsShape = shape.object({
  name: shape.text,
  /** How many there are to be afterwards; more than now. */
  partitionCount: shape.integer(),
});
export type AddPartitions = Shaped<typeof addPartitionsShape>;

/** The topic's size before and after. */
export interface PartitionsAdded {
  readonly previousPartitionCount: number;
  readonly partitionCount: number;
}

export function handleAddPartitions(
  image: MetadataImage,
  command: AddPartitions,
  context: CommandContext,
): CommandResult<PartitionsAdded> {
  const { name, partitionCount } = command;
  const topic = changeableTopic(image, name);
  if ("code" in topic) return topic;
  const previousPartitionCount = topic.partitions.length;
  if (partitionCount <= previousPartitionCount || partitionCount > PARTITIONS_PER_TOPIC_MAX) {
    return refuse(
      "INVALID_PARTITIONS",
      `topic ${name} has ${previousPartitionCount} partitions and can only grow, ` +
        `to at most ${PARTITIONS_PER_TOPIC_MAX}; ${partitionCount} is not possible`,
      { partitionCount: previousPartitionCount },
    );
  }
  const added = partitionCount - previousPartitionCount;
  const tooMany = refusePartitionTotal(image, added);
  if (tooMany !== undefined) return tooMany;
  const placed = placePartitions({
    image,
    partitionCount: added,
    replicationFactor: Math.min(topic.replicationFactor, image.brokers.size),
    existing: topic.partitions.map(({ replicas }) => replicas.map(({ brokerId }) => brokerId)),
    random: context.random,
  });
  if (placed === undefined) return refuseNoLeader();
  const partitions = partitionImages({ image, placed, firstPartition: previousPartitionCount });
  return accept([{ type: "partitions-added", topicId: topic.topicId, partitions }], {
    previousPartitionCount,
    partitionCount,
  });
}
