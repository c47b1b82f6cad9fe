import type { TopicId } from "@stratalog/base";

/** What a coordinator knows of topics when it handles a command: an input, like time. */
export interface TopicsView {
  /** The topic of a name, or undefined when there is none that clients may read. */
  byName(name: string): TopicShape | undefined;
  /** Names of such topics that begin with a text, sorted; all of them for the empty text. */
  namesWithPrefix(prefix: string): readonly string[];
}

/** What a group needs to know of one topic. */
export interface TopicShape {
  readonly topicId: TopicId;
  readonly partitionCount: number;
}
