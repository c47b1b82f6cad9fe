import { type Shaped, shape } from "@stratalog/base";
import { textMapShape } from "../fields.ts";
import type { MetadataImage } from "../image.ts";
import type { TopicConfigOverrides } from "../topic-config.ts";
import { changeableTopic } from "./change-topic.ts";
import { accept, type CommandResult } from "./command-result.ts";
import { refuseConfig } from "./create-topic.ts";

/** Sets some of a topic's configuration and returns others to their defaults. */
export const alterTopicConfigShape = shape.object({
  name: shape.text,
  set: textMapShape,
  /** Names that go back to their defaults; those not set are left alone. */
  reset: shape.list(shape.text),
});
export type AlterTopicConfig = Shaped<typeof alterTopicConfigShape>;

/** Answers with all that is set afterwards. */
export function handleAlterTopicConfig(
  image: MetadataImage,
  command: AlterTopicConfig,
): CommandResult<{ readonly config: TopicConfigOverrides }> {
  const topic = changeableTopic(image, command.name);
  if ("code" in topic) return topic;
  const wrong = refuseConfig(command.set);
  if (wrong !== undefined) return wrong;
  const kept = Object.entries(topic.config).filter(([name]) => !command.reset.includes(name));
  const config = { ...Object.fromEntries(kept), ...command.set };
  return accept([{ type: "topic-config-changed", topicId: topic.topicId, config }], { config });
}
