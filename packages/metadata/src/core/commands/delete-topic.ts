import { type Shaped, shape, type TopicId } from "@stratalog/base";
import type { MetadataImage } from "../image.ts";
import { changeableTopic } from "./change-topic.ts";
import { accept, type CommandResult } from "./command-result.ts";

/** Deletes a topic with all its records. */
export const deleteTopicShape = shape.object({ name: shape.text });
export type DeleteTopic = Shaped<typeof deleteTopicShape>;

export function handleDeleteTopic(
  image: MetadataImage,
  command: DeleteTopic,
): CommandResult<{ readonly topicId: TopicId }> {
  const topic = changeableTopic(image, command.name);
  if ("code" in topic) return topic;
  const { topicId } = topic;
  return accept([{ type: "topic-deleted", topicId }], { topicId });
}
