import { CodedError } from "@stratalog/base";
import type { Cluster } from "../cluster.ts";
import type { AdminCallOptions, BrokerDescription, ClusterDescription } from "./admin-types.ts";

/** One replica that is not the leader's own, as its leader sees it. */
export interface FollowerDescription {
  readonly brokerId: number;
  /** Committed batches that it is not known to have on its disk. */
  readonly lagBatches: number;
  /** False when it is out of reach, or must catch up first. */
  readonly isInSync: boolean;
}

/** A partition and how far its replicas are. */
export interface PartitionReplication {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly followers: readonly FollowerDescription[];
}

/** How safe what is stored is right now. */
export interface ReplicationDescription {
  /** Partitions with a leader that answered. */
  readonly partitions: readonly PartitionReplication[];
  /** How many of those have a replica that is not in sync. */
  readonly underReplicatedCount: number;
  /** Partitions for which no broker answered as the leader. */
  readonly leaderlessCount: number;
  /** Replicas that their brokers keep closed because their files are damaged. */
  readonly damagedReplicaCount: number;
  /** Brokers that gave no answer, with the reason. */
  readonly silentBrokers: readonly { readonly brokerId: number; readonly reason: string }[];
}

interface Answer {
  readonly brokerId: number;
  readonly partitions: readonly PartitionReplication[];
  readonly damagedReplicaCount: number;
  readonly failure: CodedError | undefined;
}

/** Asks every broker of a described cluster, side by side; one that is silent ends nothing. */
export async function describeReplication(
  cluster: Cluster,
  { brokers, partitionCount }: ClusterDescription,
  options: AdminCallOptions & { readonly brokerTimeoutMs: number },
): Promise<ReplicationDescription> {
  const answers = await Promise.all(brokers.map((broker) => ask(cluster, broker, options)));
  const newest = new Map<string, PartitionReplication>();
  for (const partition of answers.flatMap(({ partitions }) => partitions)) {
    const key = `${partition.topic}/${partition.partition}`;
    // A deposed leader may not know it yet.
    const other = newest.get(key);
    if (other === undefined || other.leaderEpoch < partition.leaderEpoch) {
      newest.set(key, partition);
    }
  }
  const partitions = [...newest.values()];
  const isShort = ({ followers }: PartitionReplication): boolean =>
    followers.some(({ isInSync }) => !isInSync);
  return {
    partitions,
    underReplicatedCount: partitions.filter(isShort).length,
    leaderlessCount: Math.max(0, partitionCount - partitions.length),
    damagedReplicaCount: answers.reduce((sum, each) => sum + each.damagedReplicaCount, 0),
    silentBrokers: answers.flatMap(({ brokerId, failure }) =>
      failure === undefined ? [] : [{ brokerId, reason: failure.message }],
    ),
  };
}

async function ask(
  cluster: Cluster,
  { brokerId, address }: BrokerDescription,
  options: AdminCallOptions & { readonly brokerTimeoutMs: number },
): Promise<Answer> {
  const { brokerTimeoutMs: timeoutMs, signal } = options;
  try {
    const { host, port } = splitAddress(address);
    const connection = cluster.brokerAt(brokerId, host, port);
    const limits = { timeoutMs, signal };
    const answer = await connection.call("AdminService", "describeReplication", {}, limits);
    return {
      brokerId,
      damagedReplicaCount: answer.damagedReplicaCount,
      failure: undefined,
      partitions: answer.partitions.map(({ topic, partition, leaderEpoch, followers }) => ({
        topic,
        partition,
        leader: brokerId,
        leaderEpoch,
        followers: followers.map(({ brokerId: follower, lagBatches, inSync }) => ({
          brokerId: follower,
          lagBatches,
          isInSync: inSync,
        })),
      })),
    };
  } catch (error) {
    cluster.scope.check(signal);
    return { brokerId, partitions: [], damagedReplicaCount: 0, failure: CodedError.from(error) };
  }
}

function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const split = address.lastIndexOf(":");
  if (split < 0) return { host: "", port: 0 };
  return { host: address.slice(0, split), port: Number(address.slice(split + 1)) };
}
