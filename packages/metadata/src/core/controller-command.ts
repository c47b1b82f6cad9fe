import { type Shape, type Shaped, type TopicId, shape, unreachable } from "@stratalog/base";
import {
  addPartitionsShape,
  handleAddPartitions,
  type PartitionsAdded,
} from "./commands/add-partitions.ts";
import {
  allocateProducerIdsShape,
  handleAllocateProducerIds,
  type ProducerIdBlock,
} from "./commands/allocate-producer-ids.ts";
import { alterTopicConfigShape, handleAlterTopicConfig } from "./commands/alter-topic-config.ts";
import type { CommandContext, CommandResult } from "./commands/command-result.ts";
import { createTopicShape, handleCreateTopic, type TopicCreated } from "./commands/create-topic.ts";
import { deleteTopicShape, handleDeleteTopic } from "./commands/delete-topic.ts";
import {
  type Done,
  fenceBrokerShape,
  handleFenceBroker,
  handleUnfenceBroker,
} from "./commands/fence-broker.ts";
import { formClusterShape, handleFormCluster } from "./commands/form-cluster.ts";
import { handleRegisterBroker, registerBrokerShape } from "./commands/register-broker.ts";
import { textMapShape, topicIdShape } from "./fields.ts";
import type { MetadataImage } from "./image.ts";
import type { TopicConfigOverrides } from "./topic-config.ts";

/** All that the controller can be asked to do. Also the wire format between brokers. */
export const controllerCommandShape = shape.tagged({
  "form-cluster": formClusterShape,
  "register-broker": registerBrokerShape,
  "fence-broker": fenceBrokerShape,
  "unfence-broker": fenceBrokerShape,
  "create-topic": createTopicShape,
  "delete-topic": deleteTopicShape,
  "add-partitions": addPartitionsShape,
  "alter-topic-config": alterTopicConfigShape,
  "allocate-producer-ids": allocateProducerIdsShape,
});

/** One request to the controller. */
export type ControllerCommand = Shaped<typeof controllerCommandShape>;

/** What each command is answered with. */
export interface ControllerResponses {
  readonly "form-cluster": { readonly clusterId: string };
  readonly "register-broker": { readonly brokerEpoch: number };
  readonly "fence-broker": Done;
  readonly "unfence-broker": Done;
  readonly "create-topic": TopicCreated;
  readonly "delete-topic": { readonly topicId: TopicId };
  readonly "add-partitions": PartitionsAdded;
  readonly "alter-topic-config": { readonly config: TopicConfigOverrides };
  readonly "allocate-producer-ids": ProducerIdBlock;
}

/** The answer to a command. */
export type ResponseOf<C extends ControllerCommand> = ControllerResponses[C["type"]];

/** Any answer. */
export type ControllerResponse = ControllerResponses[ControllerCommand["type"]];

const doneShape: Shape<Done> = shape.converted(shape.object({}), () => ({}), "an empty object");

/** How answers look between brokers. */
export const CONTROLLER_RESPONSE_SHAPES: {
  readonly [K in keyof ControllerResponses]: Shape<ControllerResponses[K]>;
} = {
  "form-cluster": shape.object({ clusterId: shape.text }),
  "register-broker": shape.object({ brokerEpoch: shape.integer(0) }),
  "fence-broker": doneShape,
  "unfence-broker": doneShape,
  "create-topic": shape.object({
    topicId: shape.text,
    name: shape.text,
    partitionCount: shape.integer(1),
    replicationFactor: shape.integer(1),
  }),
  "delete-topic": shape.object({ topicId: topicIdShape }),
  "add-partitions": shape.object({
    previousPartitionCount: shape.integer(1),
    partitionCount: shape.integer(1),
  }),
  "alter-topic-config": shape.object({ config: textMapShape }),
  "allocate-producer-ids": shape.object({
    firstProducerId: shape.integer(1),
    count: shape.integer(1),
  }),
};

/**
 * Decides on a command: the records that it makes from this image, or why it is refused. Changes
 * nothing.
 */
export function handle(
  image: MetadataImage,
  command: ControllerCommand,
  context: CommandContext,
): CommandResult<ControllerResponse> {
  switch (command.type) {
    case "form-cluster":
      return handleFormCluster(image, command);
    case "register-broker": {
      const { type: _, ...registration } = command;
      return handleRegisterBroker(image, registration);
    }
    case "fence-broker":
      return handleFenceBroker(image, command);
    case "unfence-broker":
      return handleUnfenceBroker(image, command);
    case "create-topic":
      return handleCreateTopic(image, command, context);
    case "delete-topic":
      return handleDeleteTopic(image, command);
    case "add-partitions":
      return handleAddPartitions(image, command, context);
    case "alter-topic-config":
      return handleAlterTopicConfig(image, command);
    case "allocate-producer-ids":
      return handleAllocateProducerIds(image, command);
    default:
      return unreachable(command, "controller command");
  }
}
