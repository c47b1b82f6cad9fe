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

/** Finds partitions for services; never throws. Topics that are not there are `unknown`. */
export interface ReplicaLookup {
  lookup(topic: string, partition: number): ReplicaPlace;
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
