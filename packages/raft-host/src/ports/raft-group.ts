import type { GroupNumber } from "@stratalog/base";
import type { ConfState, ReplicaId, RoleName, Status } from "raft-ts";
import type { Frame } from "./frame.ts";

/** What a group is right now, as its listener learns it. */
export interface GroupRole {
  readonly role: RoleName;
  readonly term: number;
  readonly leader: ReplicaId | undefined;
}

/** State in place of the log up to `index`. */
export interface InstalledSnapshot {
  readonly index: number;
  readonly term: number;
  /** What `createSnapshot` made; empty for a log whose prefix was only dropped. */
  readonly data: Uint8Array;
  /** Offset that the first record above the snapshot takes. */
  readonly nextOffset: number;
}

/**
 * Whoever uses a group: a partition, a state machine. All calls are synchronous, one at a time, on
 * the event loop.
 */
export interface GroupListener {
  /**
   * Committed frames of every kind in order, each once per process life, from the applied index +
   * 1.
   */
  onCommitted(frames: readonly Frame[]): void;
  onRole(state: GroupRole): void;
  /**
   * On the leader of `term`: everything up to `index` is committed, though not all of it is
   * delivered yet, because that waits for this replica's own disk.
   */
  onCommitIndex?(index: number, term: number): void;
  /** This replica's own disk has everything up to here. Lower than before after a truncation. */
  onDurable?(lastIndex: number): void;
  /** Uncommitted entries at `fromIndex` and above are gone: speculative state must go too. */
  onTruncated?(fromIndex: number): void;
  /**
   * A snapshot replaces the log. A promise delays the replacement until the listener has stored it:
   * a log that was cut before its state is safe would lose both in a crash.
   */
  onSnapshot?(snapshot: InstalledSnapshot): void | Promise<void>;
  /**
   * State machines: the state as of the last committed frame that was delivered, for a follower
   * that needs entries that are gone. Without it, such a follower starts with an empty snapshot at
   * the first index that is still there.
   */
  createSnapshot?(): Uint8Array;
  /** A membership change took effect; to be stored before `index` counts as applied. */
  onMembership?(state: { readonly confState: ConfState; readonly index: number }): void;
}

/** How to add a group to a host. */
export interface AddGroupOptions {
  readonly group: GroupNumber;
  /**
   * Voters in their configured order; the first is preferred. Used unless `confState` says more.
   */
  readonly replicas: readonly ReplicaId[];
  readonly self: ReplicaId;
  /**
   * Everything up to here was applied in an earlier life and is not delivered again; 0 for none.
   */
  readonly appliedIndex: number;
  readonly listener: GroupListener;
  /**
   * preferred: campaigns soon after a start; normal: waits for the election timeout. Default
   * normal.
   */
  readonly priority?: "preferred" | "normal";
  /** Formation of a new group: do not wait at all. Default false. */
  readonly campaignAtOnce?: boolean;
  /** Membership as of `appliedIndex`, when it was ever changed. */
  readonly confState?: ConfState;
}

/** An entry to replicate. */
export interface Proposal {
  readonly kind: "data" | "command";
  readonly payload: Uint8Array;
  /** Offsets that it takes: 0 for commands. */
  readonly span: number;
}

/** What became of a proposal. `ok` means appended on this leader, not committed. */
export type ProposalResult =
  | {
      readonly ok: true;
      readonly index: number;
      readonly term: number;
      readonly baseOffset: number;
    }
  | { readonly ok: false; readonly reason: "not-leader" | "overloaded" | "transferring" };

/** State of a group, for people and metrics. */
export interface GroupStatus extends Status {
  readonly group: GroupNumber;
  readonly nextOffset: number;
  readonly durableIndex: number;
  /** Why the replica stopped; undefined while it runs. */
  readonly failure: string | undefined;
  /** Other replicas that stopped, as their hosts say. */
  readonly stoppedReplicas: readonly ReplicaId[];
}

/** One replica of one group on this host. */
export interface RaftGroup {
  readonly group: GroupNumber;
  readonly self: ReplicaId;
  readonly term: number;
  readonly role: RoleName;
  readonly leader: ReplicaId | undefined;
  readonly commitIndex: number;
  readonly lastIndex: number;
  /**
   * Leader: the offset that the next proposal takes, exact in the same turn. Follower: the end of
   * its log.
   */
  readonly nextOffset: number;
  /**
   * A leader whose own term's first entry is committed and applied: it knows everything that was
   * ever acknowledged.
   */
  readonly isLeaderReady: boolean;
  /** Appends on the leader, synchronously; replication begins at the end of the turn. */
  propose(proposal: Proposal): ProposalResult;
  /**
   * Asks the quorum whether this replica still leads. Resolves with an index once everything up to
   * it is applied here; rejects with NOT_LEADER. A caller needs a timeout of its own: a cut-off
   * leader learns of its fate only later.
   */
  confirmLeadership(): Promise<number>;
  /** Asks a follower to take over; nothing happens when this replica does not lead. */
  transferLeadership(to: ReplicaId): void;
  status(): GroupStatus;
}
