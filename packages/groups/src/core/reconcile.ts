import type { Member, MemberState, OwnedPartitions } from "./group.ts";
import type { PartitionKey } from "./partition-key.ts";

/**
 * One member's next step towards its target. Nothing moves in one step: a partition is first taken
 * off `assigned` and waits in `revoking` until its owner says that it let go; only then is it free
 * for somebody else.
 *
 *   something assigned is not in the target  -> revoking, in its old epoch, without it
 *   something is still being given up        -> as it is
 *   else                                     -> the target's epoch, with whatever of it is free:
 *                                               stable when that is all of it, else waiting
 */
export function reconcileMember(
  member: Member,
  target: { readonly epoch: number; readonly partitions: ReadonlySet<PartitionKey> },
  isFree: (key: PartitionKey) => boolean,
): Member {
  const kept = new Map([...member.assigned].filter(([key]) => target.partitions.has(key)));
  const dropped = [...member.assigned].filter(([key]) => !target.partitions.has(key));
  if (dropped.length > 0) {
    const revoking = new Map([...member.revoking, ...dropped]);
    return changed(member, { state: "revoking", assigned: kept, revoking });
  }
  if (member.revoking.size > 0) return member;

  const missing = [...target.partitions].filter((key) => !kept.has(key));
  const gained = missing.filter(isFree);
  const state: MemberState = gained.length < missing.length ? "waiting" : "stable";
  const isSame =
    gained.length === 0 && state === member.state && target.epoch === member.memberEpoch;
  if (isSame) return member;
  const assigned = new Map(kept);
  for (const key of gained) assigned.set(key, target.epoch);
  return {
    ...changed(member, { state, assigned, revoking: member.revoking }),
    memberEpoch: target.epoch,
  };
}

function changed(
  member: Member,
  change: {
    readonly state: MemberState;
    readonly assigned: OwnedPartitions;
    readonly revoking: OwnedPartitions;
  },
): Member {
  return { ...member, ...change, revision: member.revision + 1 };
}
