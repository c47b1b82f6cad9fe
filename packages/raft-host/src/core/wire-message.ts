import { type GroupNumber, groupNumber } from "@stratalog/base";
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

/**
 * The heartbeat of a host, for all groups that rest on a link, and the answer to it. It belongs to
 * no group, so its replicas and its term say nothing.
 */
interface Beat<Type extends "beat" | "beat-answer"> {
  readonly type: Type;
  readonly from: number;
  readonly to: number;
  readonly term: number;
  /** Groups that rested under this host do not any more. */
  readonly isReset: boolean;
}

export type LinkBeat = Beat<"beat"> | Beat<"beat-answer">;

/** A host's word that its replica of a group takes part in nothing any more. It has no term. */
export interface StoppedNotice {
  readonly type: "stopped";
  readonly from: number;
  readonly to: number;
  readonly term: 0;
}

/** One message of one group. `frames` are an append's entries. */
export interface WireMessage {
  readonly group: GroupNumber;
  readonly message: RaftWireMessage | SnapshotPart | LinkBeat | StoppedNotice;
  readonly frames: readonly Frame[];
  /** A heartbeat asks the follower to rest, or its answer says that it does. */
  readonly rests?: true;
}

/** Stands where a group's number is in rows of no group. */
export const LINK_GROUP = groupNumber(0);
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
