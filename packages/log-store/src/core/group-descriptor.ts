import type { GroupNumber } from "@stratalog/base";

/**
 * What a replica is for. controller and coordinator are state machines; a partition holds users'
 * records.
 */
export type GroupKind = "controller" | "coordinator" | "partition";

/** Identity of one replica in a data directory. */
export interface GroupDescriptor {
  readonly group: GroupNumber;
  readonly kind: GroupKind;
  readonly topicId?: string;
  readonly topic?: string;
  readonly partition?: number;
  /** Life number of the replica: the controller index that created it. */
  readonly replicaEpoch: number;
}

const KINDS: readonly string[] = ["controller", "coordinator", "partition"];

/** Whether two descriptors name the same replica. */
export function isSameReplica(a: GroupDescriptor, b: GroupDescriptor): boolean {
  return a.group === b.group && a.replicaEpoch === b.replicaEpoch;
}

/**
 * The descriptor in a parsed JSON value, or undefined when a field is missing or of another type.
 */
export function parseGroupDescriptor(value: unknown): GroupDescriptor | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields: Partial<Record<string, unknown>> = { ...value };
  const { group, kind, topicId, topic, partition, replicaEpoch } = fields;
  if (!isCount(group) || group > 0xffff_ffff || !isCount(replicaEpoch)) return undefined;
  if (typeof kind !== "string" || !KINDS.includes(kind)) return undefined;
  if (topicId !== undefined && typeof topicId !== "string") return undefined;
  if (topic !== undefined && typeof topic !== "string") return undefined;
  if (partition !== undefined && !isCount(partition)) return undefined;
  return {
    // Both were checked against their ranges just above.
    group: group as GroupNumber,
    kind: kind as GroupKind,
    replicaEpoch,
    ...(topicId === undefined ? {} : { topicId }),
    ...(topic === undefined ? {} : { topic }),
    ...(partition === undefined ? {} : { partition }),
  };
}

/** Whether a value is a whole number from 0 on that is exact. */
export function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
