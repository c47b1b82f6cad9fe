import type { Entry, HardState, ReadContext, ReplicaId, Snapshot } from "./types.ts";

/*
 * What replicas say to each other, and what a replica says to its own storage workers. `term` is
 * the sender's term; it is 0 in messages that are about no term (forwarded proposals and reads, and
 * everything local).
 */

interface Envelope {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly term: number;
}

/**
 * Leader to follower: entries after (`prevIndex`, `prevTerm`). Without entries it probes and
 * carries the commit index.
 */
export interface AppendMessage extends Envelope {
  readonly type: "append";
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly commit: number;
  readonly entries: readonly Entry[];
}

/**
 * Answer to an append or a snapshot. Accepted: the follower's log is durable and equal to the
 * leader's through `index`. Rejected: the entry at `index` did not match; (`hintIndex`, `hintTerm`)
 * is the last position that still may.
 */
export interface AppendResponse extends Envelope {
  readonly type: "append-response";
  readonly index: number;
  readonly reject: boolean;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/**
 * Leader to follower: alive. `readSequence` above 0 asks the follower to confirm the leader for
 * reads so far.
 */
export interface HeartbeatMessage extends Envelope {
  readonly type: "heartbeat";
  readonly commit: number;
  readonly readSequence: number;
}

/** Answer to a heartbeat; returns its `readSequence`. */
export interface HeartbeatResponse extends Envelope {
  readonly type: "heartbeat-response";
  readonly readSequence: number;
}

/**
 * What the sender of a vote message knows to be committed. A receiver whose log has the same entry
 * there learns that it is committed. Without this a group can be stuck for ever after a joint
 * change: those who know that it was left have the shorter logs, and those with the longer logs
 * need votes from replicas that are gone (raft-rs closes the same gap in the same way).
 */
interface CommitHint {
  readonly commit?: number;
  readonly commitTerm?: number;
}

/** Asks for a vote, or with `pre-vote-request` whether a vote would be granted in `term`. */
export interface VoteRequest extends Envelope, CommitHint {
  readonly type: "vote-request" | "pre-vote-request";
  readonly lastIndex: number;
  readonly lastTerm: number;
  /**
   * Set when the old leader or the operator wants this election: a live leader's lease does not
   * stop it.
   */
  readonly force: boolean;
}

/** Answer to a vote request. Leaves only after the vote is durable. */
export interface VoteResponse extends Envelope, CommitHint {
  readonly type: "vote-response" | "pre-vote-response";
  readonly reject: boolean;
}

/** Leader to follower: state in place of entries that the leader no longer has. */
export interface SnapshotMessage extends Envelope {
  readonly type: "snapshot";
  readonly snapshot: Snapshot;
}

/**
 * Follower to leader: a forwarded proposal. Index and term of the entries are assigned by the
 * leader.
 */
export interface ProposeMessage extends Envelope {
  readonly type: "propose";
  readonly entries: readonly Entry[];
}

/** Follower to leader: please hand leadership to `from`, which names the target. */
export interface TransferLeaderMessage extends Envelope {
  readonly type: "transfer-leader";
}

/** Leader to the target of a transfer: campaign at once. */
export interface TimeoutNowMessage extends Envelope {
  readonly type: "timeout-now";
}

/** Follower to leader: at which commit index may this read be served? */
export interface ReadIndexMessage extends Envelope {
  readonly type: "read-index";
  readonly context: ReadContext;
}

/** Answer to a forwarded read. */
export interface ReadIndexResponse extends Envelope {
  readonly type: "read-index-response";
  readonly index: number;
  readonly context: ReadContext;
}

/**
 * To the append worker: write all of this, then deliver `responses`, in the order of these
 * messages. Without responses the write need not be synced.
 */
export interface StorageAppendMessage extends Envelope {
  readonly type: "storage-append";
  readonly entries: readonly Entry[];
  /** Absent when it did not change. */
  readonly hardState?: HardState;
  /** The log is replaced by it before the entries are written. */
  readonly snapshot?: Snapshot;
  readonly responses: readonly Message[];
}

/**
 * From the append worker: everything written through (`index`, `term of that entry`) and the
 * snapshot is durable.
 */
export interface StorageAppendResponse extends Envelope {
  readonly type: "storage-append-response";
  /** Last durable entry, with its term; 0 when the write carried none. */
  readonly index: number;
  readonly logTerm: number;
  readonly snapshot?: Snapshot;
}

/** To the apply worker: apply these committed entries, then deliver `responses`. */
export interface StorageApplyMessage extends Envelope {
  readonly type: "storage-apply";
  readonly entries: readonly Entry[];
  readonly responses: readonly Message[];
}

/** From the apply worker: these entries were applied. */
export interface StorageApplyResponse extends Envelope {
  readonly type: "storage-apply-response";
  readonly entries: readonly Entry[];
}

/** Messages between a replica and its own storage workers. */
export type StorageMessage =
  | StorageAppendMessage
  | StorageAppendResponse
  | StorageApplyMessage
  | StorageApplyResponse;

/** Messages that cross the network. */
export type PeerMessage =
  | AppendMessage
  | AppendResponse
  | HeartbeatMessage
  | HeartbeatResponse
  | VoteRequest
  | VoteResponse
  | SnapshotMessage
  | ProposeMessage
  | TransferLeaderMessage
  | TimeoutNowMessage
  | ReadIndexMessage
  | ReadIndexResponse;

/** Everything that `RaftNode.step` takes and `Ready.messages` holds. */
export type Message = PeerMessage | StorageMessage;
