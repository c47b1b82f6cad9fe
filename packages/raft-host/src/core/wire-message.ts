import type { GroupNumber } from "@stratalog/base";
import type { ConfState, Message, PeerMessage } from "raft-ts";
import type { Frame } from "../ports/frame.ts";

/**
 * Messages of the core that travel in a batch. Forwarded proposals and reads are not used: clients
 * find the leader.
 */
export type RaftWireMessage = Exclude<
  PeerMessage,
  {
    readonly type:
      | "snapshot"
      | "propose"
      | "transfer-leader"
      | "read-index"
      | "read-index-response";
  }
>;

/**
 * A piece of a snapshot; the receiver puts the pieces together and hands the core one snapshot
 * message.
 */
export interface SnapshotPart {
  readonly type: "snapshot-part";
  readonly from: number;
  readonly to: number;
  readonly term: number;
  readonly index: number;
  readonly snapshotTerm: number;
  readonly confState: ConfState;
  readonly nextOffset: number;
  /** Size of the whole snapshot. */
  readonly totalBytes: number;
  /** Where in the snapshot these bytes belong. */
  readonly position: number;
  readonly bytes: Uint8Array;
}

/** One message of one group. `frames` are an append's entries. */
export interface WireMessage {
  readonly group: GroupNumber;
  readonly message: RaftWireMessage | SnapshotPart;
  readonly frames: readonly Frame[];
}

export const NO_FRAMES: readonly Frame[] = [];

/** Whether a message of the core travels in a batch as it is. */
export function isRaftWireMessage(message: Message): message is RaftWireMessage {
  switch (message.type) {
    case "append":
    case "append-response":
    case "heartbeat":
    case "heartbeat-response":
    case "vote-request":
    case "vote-response":
    case "pre-vote-request":
    case "pre-vote-response":
    case "timeout-now":
      return true;
    case "snapshot":
    case "propose":
    case "transfer-leader":
    case "read-index":
    case "read-index-response":
    case "storage-append":
    case "storage-append-response":
    case "storage-apply":
    case "storage-apply-response":
      return false;
  }
}
