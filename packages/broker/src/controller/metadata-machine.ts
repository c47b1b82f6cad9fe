import {
  type ControllerCommand,
  type ControllerResponse,
  decodeSnapshot,
  emptyImage,
  encodeSnapshot,
  handle,
  type MetadataImage,
  type MetadataRecord,
  recordFromJson,
  recordToJson,
  replay,
} from "@stratalog/metadata";
import type { ReplicatedStateMachine, StateMachineDefinition } from "@stratalog/state-machine";

/** The controller's state machine: the cluster's metadata. */
export const metadataMachine: StateMachineDefinition<
  MetadataImage,
  ControllerCommand,
  MetadataRecord,
  ControllerResponse
> = {
  name: "controller",
  initialState: emptyImage,
  handle,
  replay,
  recordToJson,
  recordFromJson,
  encodeSnapshot,
  decodeSnapshot,
};

/** One replica of it. */
export type ControllerReplica = ReplicatedStateMachine<
  MetadataImage,
  ControllerCommand,
  MetadataRecord,
  ControllerResponse
>;
