import { replicaIdentity } from "@stratalog/base";
import type { FollowerProgress, LedPartition } from "./replica-lookup.ts";
import type { RunningReplica } from "./replica-registry.ts";

/** How far the followers of a replica are that leads; undefined for one that does not. */
export function ledPartition({ wanted, group }: RunningReplica): LedPartition | undefined {
  const { topic, partition, self } = wanted;
  if (group.role !== "leader" || topic.kind !== "clients") return undefined;
  const { commit, progress } = group.status();
  const followers = progress
    .map(({ id, match, state }): FollowerProgress => {
      const lagEntries = Math.max(0, commit - match);
      // A follower that has everything needs nothing sent, so nothing shows whether it takes it.
      const isReplicating = state === "replicate" || lagEntries === 0;
      return { brokerId: replicaIdentity(id).brokerId, lagEntries, isReplicating };
    })
    .filter(({ brokerId }) => brokerId !== self.brokerId);
  return { topic: topic.name, partition: partition.partition, term: group.term, followers };
}
