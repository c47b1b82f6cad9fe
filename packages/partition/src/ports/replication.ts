import type { Frame } from "./frame.ts";

/**
 * What a partition asks of its Raft group; raft-host's `RaftGroup` fits. All but
 * `confirmLeadership` is synchronous.
 */
export interface Replication {
  /** This replica's number in the group. */
  readonly self: number;
  readonly term: number;
  readonly role: string;
  /** Number of the replica that leads, as far as this one knows. */
  readonly leader: number | undefined;
  /**
   * Leader whose own first entry is committed and applied: all that earlier leaders acknowledged
   * is known.
   */
  readonly isLeaderReady: boolean;
  /**
   * On the leader: the offset that the next proposed record takes; entries not yet committed are
   * counted.
   */
  readonly nextOffset: number;
  /**
   * The base offset and the term are exact until the end of the synchronous turn that read them.
   */
  propose(proposal: {
    readonly kind: "data" | "command";
    readonly payload: Uint8Array;
    readonly span: number;
  }): ProposeAnswer;
  /**
   * Asks a quorum whether this replica still leads; resolves with an index that was committed by
   * then. Rejects with
   * NOT_LEADER when it does not.
   */
  confirmLeadership(): Promise<number>;
}

export type ProposeAnswer =
  | {
      readonly ok: true;
      readonly index: number;
      readonly term: number;
      readonly baseOffset: number;
    }
  | { readonly ok: false; readonly reason: string };

/**
 * What a partition is told by its Raft group; raft-host's `GroupListener` in the part that
 * partitions use.
 */
export interface ReplicationListener {
  /** Committed frames in order, each once. Synchronous. */
  onCommitted(frames: readonly Frame[]): void;
  onRole(state: RoleChange): void;
  /**
   * On the leader of `term`: everything up to an index is committed. It may not be applied here
   * yet, since that needs this replica's own disk too.
   */
  onCommitIndex(index: number, term: number): void;
  /** This replica's own disk has the log up to an index. */
  onDurable(lastIndex: number): void;
  /**
   * The log begins again after an index, because what was there is gone elsewhere too: `nextOffset`
   * is where its records begin.
   */
  onSnapshot(snapshot: { readonly index: number; readonly nextOffset: number }): void;
}

export interface RoleChange {
  readonly role: string;
  readonly term: number;
  readonly leader: number | undefined;
}
