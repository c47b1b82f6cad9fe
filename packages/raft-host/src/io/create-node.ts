import { type LogStorage, RaftNode } from "raft-ts";
import type { HostLimits } from "../core/host-limits.ts";
import { electionOrder } from "./election-order.ts";

/** What a group's core is made with. */
export interface NodeOptions {
  readonly self: number;
  /** Voters in their configured order. */
  readonly replicas: readonly number[];
  readonly appliedIndex: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly random: (bound: number) => number;
  readonly limits: HostLimits;
}

/** The core of a group, with storage writes that it does not wait for. */
export function createNode(options: NodeOptions, storage: LogStorage): RaftNode {
  const { limits, electionTicks, heartbeatTicks } = options;
  const { commit } = storage.initialState().hardState;
  return new RaftNode({
    id: options.self,
    storage,
    random: electionOrder(options),
    electionTicks,
    heartbeatTicks,
    // What was applied beyond the commit hint is handed out again by the core, and kept from the
    // listener by the delivery.
    applied: Math.min(options.appliedIndex, commit),
    asyncStorageWrites: true,
    maxBytesPerMessage: limits.appendBytesMax,
    maxInflightMessages: limits.inflightMessagesMax,
    maxInflightBytes: limits.inflightBytesMax,
    maxUncommittedBytes: limits.uncommittedBytesMax,
    maxCommittedBytesPerReady: limits.committedBytesMax,
  });
}
