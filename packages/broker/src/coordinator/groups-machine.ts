import {
  decodeSnapshot,
  emptyGroups,
  encodeSnapshot,
  type GroupCommand,
  type GroupRecord,
  type GroupResponse,
  type GroupsState,
  handle,
  recordFromJson,
  recordToJson,
  replay,
  type TopicsView,
} from "@stratalog/groups";
import { type MetadataImage, topicByName } from "@stratalog/metadata";
import type { ReplicatedStateMachine, StateMachineDefinition } from "@stratalog/state-machine";

/** A coordinator's state machine: its groups. */
export type GroupsDefinition = StateMachineDefinition<
  GroupsState,
  GroupCommand,
  GroupRecord,
  GroupResponse
>;

/** One replica of it. */
export type GroupsReplica = ReplicatedStateMachine<
  GroupsState,
  GroupCommand,
  GroupRecord,
  GroupResponse
>;

/**
 * The state machine of one partition of the groups' topic; `topics` is what the leader knows when
 * it handles a command.
 */
export function groupsMachine(name: string, topics: TopicsView): GroupsDefinition {
  return {
    name,
    initialState: emptyGroups,
    handle: (state, command, { nowMs }) => handle(state, command, { nowMs, topics }),
    replay,
    recordToJson,
    recordFromJson,
    encodeSnapshot,
    decodeSnapshot,
  };
}

/** Topics that groups may read, as the broker's own copy of the metadata has them. */
export function topicsView(metadata: { readonly image: MetadataImage }): TopicsView {
  let named:
    | { readonly topics: MetadataImage["topics"]; readonly names: readonly string[] }
    | undefined;
  const names = (): readonly string[] => {
    const { topics } = metadata.image;
    if (named?.topics !== topics) {
      const readable = [...topics.values()].filter(({ kind }) => kind === "clients");
      named = { topics, names: readable.map(({ name }) => name).toSorted() };
    }
    return named.names;
  };
  return {
    namesWithPrefix: (prefix) => names().filter((name) => name.startsWith(prefix)),
    byName(name) {
      const topic = topicByName(metadata.image, name);
      if (topic?.kind !== "clients") return undefined;
      return { topicId: topic.topicId, partitionCount: topic.partitions.length };
    },
  };
}
