import type { MetadataImage, TopicImage } from "../image.ts";
import { topicByName } from "../image.ts";
import { isInternalName } from "../topic-name.ts";
import { type Refusal, refuse } from "./command-result.ts";

/** The topic that a command changes; internal ones are not for users to change. */
export function changeableTopic(image: MetadataImage, name: string): TopicImage | Refusal {
  const topic = topicByName(image, name);
  if (topic === undefined) {
    const shown = JSON.stringify(name.slice(0, 249));
    return refuse("UNKNOWN_TOPIC_OR_PARTITION", `there is no topic ${shown}`);
  }
  if (isInternalName(name)) {
    return refuse("INVALID_TOPIC", `topic ${name} is internal and cannot be changed`);
  }
  return topic;
}
