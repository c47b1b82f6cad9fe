import {
  type BrokerId,
  type ClusterId,
  type DirectoryId,
  type GroupNumber,
  type PartitionNumber,
  PersistentMap,
  type ReplicaIdentity,
  type TopicId,
} from "@stratalog/base";
import type { TopicConfigOverrides } from "./topic-config.ts";

/** Where a broker listens, as told to others. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** An endpoint for clients. Answers name the listener that the client came through. */
export interface ClientListener extends Endpoint {
  readonly name: string;
}

/** What the cluster knows of one broker. */
export interface BrokerRegistration {
  readonly brokerId: BrokerId;
  readonly directoryId: DirectoryId;
  /** UUID drawn at each start of the broker's process. */
  readonly incarnation: string;
  /**
   * Number of this registration, growing over the cluster's life; commands of an older one are
   * stale.
   */
  readonly brokerEpoch: number;
  readonly rack?: string;
  readonly clientListeners: readonly ClientListener[];
  readonly peerAddress: Endpoint;
  /**
   * Fenced: not heard of for a session, or stopping. Soft: replicas stay and Raft decides who
   * leads. It counts for placement and for the endpoints that clients are told.
   */
  readonly isFenced: boolean;
}

/** One partition: its Raft group and who holds it. */
export interface PartitionImage {
  readonly partition: PartitionNumber;
  readonly group: GroupNumber;
  /** The first is the preferred leader. */
  readonly replicas: readonly ReplicaIdentity[];
}

/**
 * clients: holds records. coordinator: its partitions hold group state and are not read or written
 * as a log.
 */
export type TopicKind = "clients" | "coordinator";

/** One topic. Invariant: `partitions[i].partition === i`. */
export interface TopicImage {
  readonly topicId: TopicId;
  readonly name: string;
  readonly kind: TopicKind;
  readonly replicationFactor: number;
  /** What was set; the rest is default. See `resolveTopicConfig`. */
  readonly config: TopicConfigOverrides;
  readonly partitions: readonly PartitionImage[];
}

/**
 * The cluster's metadata at one point. Never changes; replaying a record makes another one.
 * Invariants: `topicIds` is the inverse of the topics' names; every group number in use is below
 * `nextGroup`, every replica and broker epoch below `nextEpoch`, every producer id given out below
 * `nextProducerId`.
 */
export interface MetadataImage {
  readonly clusterId: ClusterId | undefined;
  /** Brokers that the cluster was formed with; they vote on the controller. */
  readonly controllerVoters: readonly BrokerId[];
  readonly brokers: ReadonlyMap<BrokerId, BrokerRegistration>;
  readonly topics: PersistentMap<TopicId, TopicImage>;
  readonly topicIds: PersistentMap<string, TopicId>;
  readonly nextGroup: number;
  readonly nextEpoch: number;
  readonly nextProducerId: number;
}

/**
 * The image before the first record. Group 0 is the controller's own; epoch 0 is of the first
 * controllers.
 */
export function emptyImage(): MetadataImage {
  return {
    clusterId: undefined,
    controllerVoters: [],
    brokers: new Map(),
    topics: PersistentMap.empty(),
    topicIds: PersistentMap.empty(),
    nextGroup: 1,
    nextEpoch: 1,
    nextProducerId: 1,
  };
}

/** The topic of a name. */
export function topicByName(image: MetadataImage, name: string): TopicImage | undefined {
  const topicId = image.topicIds.get(name);
  return topicId === undefined ? undefined : image.topics.get(topicId);
}

/** All topics by name. */
export function topicsByName(image: MetadataImage): readonly TopicImage[] {
  return [...image.topics.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Number of brokers that the cluster has or is about to have: right after a start, some that it was
 * formed with may not be registered yet.
 */
export function expectedBrokerCount(image: MetadataImage): number {
  const missing = image.controllerVoters.filter((voter) => !image.brokers.has(voter));
  return image.brokers.size + missing.length;
}
