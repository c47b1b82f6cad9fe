import { encodeUtf8, type GroupId } from "@stratalog/base";

/** Name of the internal topic whose partitions coordinate groups. */
export const GROUPS_TOPIC = "__groups";
/** Number of its partitions. Fixed for the cluster's life: a group's partition depends on it. */
export const GROUPS_PARTITION_COUNT = 8;

/**
 * The partition of the groups' topic that coordinates a group: FNV-1a over the name, spread by a
 * last mix.
 */
export function coordinatorPartition(groupId: GroupId, partitionCount: number): number {
  let hash = 0x811c9dc5;
  for (const byte of encodeUtf8(groupId)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return ((hash ^ (hash >>> 13)) >>> 0) % partitionCount;
}
