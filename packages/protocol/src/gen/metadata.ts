// Generated from proto/stratalog/v1/metadata.proto by scripts/generate.ts.
// Do not edit; a test compares.
import type { UnaryMethod } from "../method.ts";
import type { WireError } from "./error.ts";

/**
 * Who is there and who leads what. Any broker answers, from its own copy of the cluster's metadata.
 */
export interface MetadataService {
  /** The brokers, and the topics asked for. */
  readonly getMetadata: UnaryMethod<GetMetadataRequest, GetMetadataResponse>;
}

/** Which topics to describe. */
export interface GetMetadataRequest {
  /** Names of topics, at most 1,000. An unknown one comes back with an error of its own. */
  readonly topics: readonly string[];
  /**
   * All topics instead of those named. Default false: with no names, the answer has brokers alone.
   */
  readonly allTopics: boolean;
  /**
   * With all_topics: also the cluster's own topics, whose names begin with two underscores. Default
   * false.
   */
  readonly includeInternal: boolean;
}

/** The answering broker's view. */
export interface GetMetadataResponse {
  /**
   * Identity of the cluster, a UUID in text form. A client that sees another one than before talks
   * to another cluster.
   */
  readonly clusterId: string;
  /** Number of the broker that answers. */
  readonly brokerId: number;
  /** Number of the broker that is the controller; absent while there is none. */
  readonly controllerId?: number;
  /** All registered brokers, by number. */
  readonly brokers: readonly BrokerMetadata[];
  /** The topics: those asked for in their order, or all by name. */
  readonly topics: readonly TopicMetadata[];
  /**
   * Version of the view: the controller's log index that it is made of. A lower one than seen
   * before is stale.
   */
  readonly version: number;
}

/** One broker, at the address of the listener that the client came through. */
export interface BrokerMetadata {
  /** Number of the broker, 1 to 65,535. */
  readonly brokerId: number;
  /** Advertised host name or address; empty when the broker has no listener of that name. */
  readonly host: string;
  /** Advertised port; 0 when the broker has no listener of that name. */
  readonly port: number;
  /** Rack; empty when not configured. */
  readonly rack: string;
  /** True when the controller counts the broker out: it stopped sending heartbeats. */
  readonly fenced: boolean;
}

/** One topic. */
export interface TopicMetadata {
  /** Name of the topic. */
  readonly name: string;
  /** Identity, a UUID in text form; empty when there is an error. */
  readonly topicId: string;
  /** True for the cluster's own topics. */
  readonly internal: boolean;
  /** The partitions, by number from 0 without gaps. */
  readonly partitions: readonly PartitionMetadata[];
  /** Present when the topic is unknown or its name is not allowed. */
  readonly error: WireError | null;
}

/** One partition. */
export interface PartitionMetadata {
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** Number of the broker that leads it; absent when the answering broker knows of none. */
  readonly leaderId?: number;
  /** Leader epoch (Raft term) of that leader; 0 when unknown. */
  readonly leaderEpoch: number;
  /** Brokers that have a replica, the preferred leader first. */
  readonly replicaIds: readonly number[];
}
