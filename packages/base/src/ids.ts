import { assert } from "./assert.ts";
import type { Brand } from "./brand.ts";

/** Number of a broker in its cluster, 1 to 65,535; never reused. */
export type BrokerId = Brand<number, "BrokerId">;
/**
 * Number of a Raft group, unsigned 32 bits, given out by the controller; 0 is the controller's
 * own group.
 */
export type GroupNumber = Brand<number, "GroupNumber">;
/** Number of a partition in its topic, from 0. */
export type PartitionNumber = Brand<number, "PartitionNumber">;
/**
 * Identity of a topic: a UUID in text form. A topic deleted and created again under its name has
 * another one.
 */
export type TopicId = Brand<string, "TopicId">;
/**
 * Life number of a replica: the controller index that created it. A replica that comes again has
 * a new one.
 */
export type ReplicaEpoch = Brand<number, "ReplicaEpoch">;
/** Identity of a cluster: a UUID in text form, drawn once at formation. */
export type ClusterId = Brand<string, "ClusterId">;
/** Identity of a data directory: a UUID in text form. A wiped directory is a new identity. */
export type DirectoryId = Brand<string, "DirectoryId">;
/** Identity of a producer, given out by the controller in blocks. */
export type ProducerId = Brand<number, "ProducerId">;
/** Identity of a member of a consumer group: a UUID that the client draws. */
export type MemberId = Brand<string, "MemberId">;
/** Name of a consumer group. */
export type GroupId = Brand<string, "GroupId">;

/** The Raft group of the controller. */
export const CONTROLLER_GROUP: GroupNumber = 0 as GroupNumber;

const BROKER_ID_MAX = 0xffff;
const GROUP_NUMBER_MAX = 0xffff_ffff;

/** Checks and brands a broker id. */
export function brokerId(value: number): BrokerId {
  assert(Number.isInteger(value) && value >= 1 && value <= BROKER_ID_MAX, `broker id ${value}`);
  return value as BrokerId;
}

/** Checks and brands a group number. */
export function groupNumber(value: number): GroupNumber {
  assert(Number.isInteger(value) && value >= 0 && value <= GROUP_NUMBER_MAX, `group ${value}`);
  return value as GroupNumber;
}

/** Identity of one replica of one group: which broker, in which of its lives there. */
export interface ReplicaIdentity {
  readonly brokerId: BrokerId;
  readonly replicaEpoch: ReplicaEpoch;
}

const BROKER_ID_RANGE = 0x1_0000;

/**
 * The identity as the one number that Raft knows a replica by: epoch * 65,536 + broker id.
 * Epochs are below 2^32, so the number stays a safe integer; it is never 0, which means "nobody" in
 * Raft.
 */
export function replicaNumber(identity: ReplicaIdentity): number {
  return identity.replicaEpoch * BROKER_ID_RANGE + identity.brokerId;
}

/** The inverse of {@link replicaNumber}. */
export function replicaIdentity(replica: number): ReplicaIdentity {
  return {
    brokerId: brokerId(replica % BROKER_ID_RANGE),
    replicaEpoch: Math.floor(replica / BROKER_ID_RANGE) as ReplicaEpoch,
  };
}
