import type { Frame } from "@stratalog/raft-host";

/** What a state machine asks of its Raft group; raft-host's `RaftGroup` fits. */
export interface ReplicationGroup {
  /** This replica's number in the group. */
  readonly self: number;
  readonly term: number;
  readonly role: string;
  /** Number of the replica that leads, as far as this one knows. */
  readonly leader: number | undefined;
  /** Leader whose own first entry is committed and applied. */
  readonly isLeaderReady: boolean;
  propose(proposal: {
    readonly kind: "data" | "command";
    readonly payload: Uint8Array;
    readonly span: number;
  }): ProposeOutcome;
  /**
   * Resolves with an index that was committed when a quorum confirmed this leader; rejects with
   * NOT_LEADER.
   */
  confirmLeadership(): Promise<number>;
}

export type ProposeOutcome =
  | { readonly ok: true; readonly index: number; readonly term: number }
  | { readonly ok: false; readonly reason: string };

/** Who leads, as told to a replica when it changes. */
export interface RoleState {
  readonly role: string;
  readonly term: number;
  readonly leader: number | undefined;
}

/** A materialised state from the leader, which replaces the log up to `index`. */
export interface ReceivedSnapshot {
  readonly index: number;
  readonly term: number;
  readonly data: Uint8Array;
}

/** What a state machine is told by its Raft group; fits raft-host's `GroupListener`. */
export interface ReplicationListener {
  /** Committed frames in order, each once, from the applied index + 1. */
  onCommitted(frames: readonly Frame[]): void;
  onRole(state: RoleState): void;
  /** Resolves when the state is durable: the log may forget what it replaces only then. */
  onSnapshot(snapshot: ReceivedSnapshot): Promise<void>;
  createSnapshot(): Uint8Array;
}
