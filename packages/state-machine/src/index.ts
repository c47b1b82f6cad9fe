export type { Decision, HandlerContext, StateMachineDefinition } from "./core/definition.ts";
export {
  DEFAULT_LIMITS,
  type StateMachineLimits,
  type StateMachineOptions,
} from "./io/options.ts";
export { type AppliedChange, ReplicatedStateMachine } from "./io/replicated-state-machine.ts";
export { SnapshotStore, type StoredSnapshot } from "./io/snapshot-store.ts";
export type {
  ProposeOutcome,
  ReceivedSnapshot,
  ReplicationGroup,
  ReplicationListener,
  RoleState,
} from "./ports/raft-group.ts";
