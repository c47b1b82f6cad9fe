import type { BrokerId, GroupNumber } from "@stratalog/base";
import type { PartitionService } from "@stratalog/partition";

/**
 * Where a partition can be used. local: a replica lives here; it says itself whether it leads and
 * refuses with a hint when it
 * does not. elsewhere: other brokers hold it (or this one does not have it ready yet); `leader` is
 * the best guess there is.
 */
export type ReplicaPlace =
  | { readonly kind: "local"; readonly replica: PartitionService }
  | {
      readonly kind: "elsewhere";
      readonly leader: BrokerId | undefined;
      readonly leaderEpoch: number | undefined;
    }
  | { readonly kind: "unknown" };

/** A partition of clients that this broker leads, and how far its followers are. */
export interface LedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly term: number;
  readonly followers: readonly FollowerProgress[];
}

/** How far a follower is, as its leader knows it. */
export interface FollowerProgress {
  readonly brokerId: BrokerId;
  /** Committed entries that are not known to be durable there. */
  readonly lagEntries: number;
  /** Whether it takes entries as they come; false when it is probed or needs a snapshot. */
  readonly isReplicating: boolean;
}

/** Finds partitions for services; never throws. Topics that are not there are `unknown`. */
export interface ReplicaLookup {
  lookup(topic: string, partition: number): ReplicaPlace;
  /** What this broker leads, without the cluster's own topics. */
  ledPartitions(): readonly LedPartition[];
  /** Replicas that stay closed here because their files are damaged. */
  readonly damagedCount: number;
}

/**
 * Who leads a group, as this broker has heard: from its own replicas and from what others
 * broadcast.
 */
export interface LeaderView {
  leaderOf(group: GroupNumber): GroupLeader | undefined;
  /** Calls back after a group's leader changed. Returns how to stop. */
  onChange(callback: (group: GroupNumber) => void): () => void;
}

/** A group's leader in a term. Invariant of the view: a group's term never goes back. */
export interface GroupLeader {
  readonly leader: BrokerId;
  readonly term: number;
}
