export type { CommandContext, CommandResult, Refusal } from "./core/commands/command-result.ts";
export { PRODUCER_ID_BLOCK } from "./core/commands/allocate-producer-ids.ts";
export { BROKERS_MAX } from "./core/commands/register-broker.ts";
export {
  defaultReplicationFactor,
  PARTITIONS_MAX,
  PARTITIONS_PER_TOPIC_MAX,
} from "./core/commands/create-topic.ts";
export {
  CONTROLLER_RESPONSE_SHAPES,
  type ControllerCommand,
  type ControllerResponse,
  type ControllerResponses,
  controllerCommandShape,
  handle,
  type ResponseOf,
} from "./core/controller-command.ts";
export { endpointShape, listenerShape } from "./core/fields.ts";
export * from "./core/image.ts";
export { type PlacementRequest, placePartitions } from "./core/placement.ts";
export { recordFromJson, recordToJson } from "./core/record-codec.ts";
export {
  METADATA_RECORD_VERSION,
  type MetadataRecord,
  metadataRecordShape,
} from "./core/records.ts";
export { replay, replayAll } from "./core/replay.ts";
export { decodeSnapshot, encodeSnapshot, recordsOf } from "./core/snapshot.ts";
export * from "./core/topic-config.ts";
export { checkTopicName, INTERNAL_PREFIX, isInternalName } from "./core/topic-name.ts";
