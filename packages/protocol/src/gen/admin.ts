// Generated from proto/stratalog/v1/admin.proto by scripts/generate.ts.
// Do not edit; a test compares.
import type { UnaryMethod } from "../method.ts";

/**
 * Changes and describes the cluster. Any broker answers; changes go to the controller through it. A
 * change is done when the answer comes: committed by the controller's quorum.
 */
export interface AdminService {
  /**
   * Creates a topic: TOPIC_ALREADY_EXISTS, INVALID_TOPIC, INVALID_PARTITIONS,
   * INVALID_REPLICATION_FACTOR or INVALID_CONFIG say why not. Its partitions get their leaders
   * shortly after.
   */
  readonly createTopic: UnaryMethod<CreateTopicRequest, CreateTopicResponse>;
  /** Deletes a topic and its records for good. */
  readonly deleteTopic: UnaryMethod<DeleteTopicRequest, DeleteTopicResponse>;
  /** Everything about one topic. */
  readonly describeTopic: UnaryMethod<DescribeTopicRequest, DescribeTopicResponse>;
  /** Topics by name, page by page. */
  readonly listTopics: UnaryMethod<ListTopicsRequest, ListTopicsResponse>;
  /**
   * Grows a topic. Keys move to other partitions from then on: records of one key are no longer in
   * one partition.
   */
  readonly addPartitions: UnaryMethod<AddPartitionsRequest, AddPartitionsResponse>;
  /** Sets and resets configuration of a topic; what is not named stays. */
  readonly alterTopicConfig: UnaryMethod<AlterTopicConfigRequest, AlterTopicConfigResponse>;
  /** The cluster and its brokers. */
  readonly describeCluster: UnaryMethod<DescribeClusterRequest, DescribeClusterResponse>;
  /**
   * How far the replicas of the partitions are that the asked broker leads. Ask every broker to know
   * all.
   */
  readonly describeReplication: UnaryMethod<DescribeReplicationRequest, DescribeReplicationResponse>;
  /** A number for an idempotent producer, never given out before. */
  readonly initProducerId: UnaryMethod<InitProducerIdRequest, InitProducerIdResponse>;
}

/** One configuration entry, in text form. */
export interface ConfigEntry {
  /** Name, for example "retention.ms". */
  readonly name: string;
  /** Value as text, for example "-1". At most 1,024 bytes. */
  readonly value: string;
  /** In answers: where the value comes from. Ignored in requests. */
  readonly source: ConfigSource;
}

/** Where a configuration value comes from. */
export type ConfigSource =
  | "CONFIG_SOURCE_UNSPECIFIED"
  | "CONFIG_SOURCE_DEFAULT"
  | "CONFIG_SOURCE_TOPIC";

/** A topic to create. */
export interface CreateTopicRequest {
  /**
   * Name: 1 to 249 of letters, digits, ".", "_" and "-"; not "." or ".."; not beginning with two
   * underscores; not the name of another topic but for "." in place of "_".
   */
  readonly name: string;
  /**
   * Number of partitions, 1 to 2,000. 0: the broker's default (num.partitions, 1 unless
   * configured).
   */
  readonly partitionCount: number;
  /**
   * Replicas per partition, 1 to the number of brokers. 0: the default, 3 from three brokers on,
   * else 1.
   */
  readonly replicationFactor: number;
  /** Configuration; names at most once. At most 64. */
  readonly config: readonly ConfigEntry[];
  /** Only check whether it could be created. Default false. */
  readonly validateOnly: boolean;
}

/** The topic as created. */
export interface CreateTopicResponse {
  /** The topic. */
  readonly topic: TopicDescription | null;
}

/** A topic to delete. */
export interface DeleteTopicRequest {
  /** Name of the topic; the cluster's own topics are refused. */
  readonly name: string;
  /**
   * Identity that the caller means, a UUID in text form; UNKNOWN_TOPIC_OR_PARTITION when the topic
   * of that name has another. Empty: not checked.
   */
  readonly topicId: string;
}

/** The topic is gone. */
export interface DeleteTopicResponse {
}

/** A topic to describe. */
export interface DescribeTopicRequest {
  /** Name of the topic. */
  readonly name: string;
}

/** The description. */
export interface DescribeTopicResponse {
  /** The topic. */
  readonly topic: TopicDescription | null;
}

/** Everything about a topic that the cluster's metadata says. */
export interface TopicDescription {
  /** Name of the topic. */
  readonly name: string;
  /** Identity, a UUID in text form; empty for a topic that was only checked. */
  readonly topicId: string;
  /** True for the cluster's own topics. */
  readonly internal: boolean;
  /** Replicas per partition. */
  readonly replicationFactor: number;
  /** The partitions, by number from 0 without gaps. */
  readonly partitions: readonly PartitionDescription[];
  /** All configuration in force, by name. */
  readonly config: readonly ConfigEntry[];
}

/** One partition of a described topic. */
export interface PartitionDescription {
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** Number of the broker that leads it; absent when the answering broker knows of none. */
  readonly leaderId?: number;
  /** Leader epoch (Raft term) of that leader; 0 when unknown. */
  readonly leaderEpoch: number;
  /** Brokers that have a replica, the preferred leader first. */
  readonly replicaIds: readonly number[];
}

/** Which topics to list. */
export interface ListTopicsRequest {
  /** Also the cluster's own topics. Default false. */
  readonly includeInternal: boolean;
  /** Only names that begin with this. Default empty: all. */
  readonly prefix: string;
  /** Topics per answer. 0: the default of 1,000. At most 1,000. */
  readonly pageSize: number;
  /** Continues after the last answer: its next_page_token. Empty: from the beginning. */
  readonly pageToken: string;
}

/** One page of topics. */
export interface ListTopicsResponse {
  /** The topics, by name. */
  readonly topics: readonly TopicSummary[];
  /** Token of the next page; empty when this is the last. */
  readonly nextPageToken: string;
}

/** One listed topic. */
export interface TopicSummary {
  /** Name of the topic. */
  readonly name: string;
  /** Identity, a UUID in text form. */
  readonly topicId: string;
  /** True for the cluster's own topics. */
  readonly internal: boolean;
  /** Number of partitions. */
  readonly partitionCount: number;
  /** Replicas per partition. */
  readonly replicationFactor: number;
}

/** A topic to grow. */
export interface AddPartitionsRequest {
  /** Name of the topic. */
  readonly name: string;
  /**
   * The total wanted, not the number to add; above the present one and at most 2,000, else
   * INVALID_PARTITIONS.
   */
  readonly partitionCount: number;
}

/** The topic as grown. */
export interface AddPartitionsResponse {
  /** The topic. */
  readonly topic: TopicDescription | null;
  /** What the caller should know, for people: keys move. Never empty. */
  readonly warning: string;
}

/** Configuration to change. */
export interface AlterTopicConfigRequest {
  /** Name of the topic. */
  readonly name: string;
  /** Entries to set; names at most once. At most 64. */
  readonly set: readonly ConfigEntry[];
  /** Names to reset to their default; not also in `set`. At most 64. */
  readonly reset: readonly string[];
}

/** The topic as changed. */
export interface AlterTopicConfigResponse {
  /** The topic. */
  readonly topic: TopicDescription | null;
}

/** Asks for the cluster. */
export interface DescribeClusterRequest {
}

/** The cluster. */
export interface DescribeClusterResponse {
  /** Identity of the cluster, a UUID in text form. */
  readonly clusterId: string;
  /** Number of the broker that is the controller; absent while there is none. */
  readonly controllerId?: number;
  /** All registered brokers, by number. */
  readonly brokers: readonly BrokerDescription[];
  /** Number of topics, without the cluster's own. */
  readonly topicCount: number;
  /** Number of partitions, without those of the cluster's own topics. */
  readonly partitionCount: number;
  /** Number of the broker that answers. */
  readonly answeringBrokerId: number;
}

/** One broker. */
export interface BrokerDescription {
  /** Number of the broker, 1 to 65,535. */
  readonly brokerId: number;
  /**
   * Advertised host on the listener that the caller came through; empty when it has none of that
   * name.
   */
  readonly host: string;
  /** Advertised port of that listener; 0 when it has none of that name. */
  readonly port: number;
  /** Rack; empty when not configured. */
  readonly rack: string;
  /** True when the controller counts the broker out: it stopped sending heartbeats. */
  readonly fenced: boolean;
  /** Number of partitions that it leads, as far as the answering broker knows. */
  readonly leaderCount: number;
  /** Number of replicas that it holds. */
  readonly replicaCount: number;
  /** Epoch of its registration: grows each time the broker starts. */
  readonly brokerEpoch: number;
  /** True when it is one of the controller's voters. */
  readonly controllerVoter: boolean;
}

/** Asks one broker about the partitions that it leads. */
export interface DescribeReplicationRequest {
}

/** What one broker knows of replicas. */
export interface DescribeReplicationResponse {
  /** Number of the broker that answers. */
  readonly answeringBrokerId: number;
  /** Partitions that it leads, without those of the cluster's own topics. */
  readonly partitions: readonly LedPartition[];
  /** Number of replicas on this broker that stay closed because their files are damaged. */
  readonly damagedReplicaCount: number;
}

/** A partition as its leader sees it. */
export interface LedPartition {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** Epoch in which the answering broker leads it. */
  readonly leaderEpoch: number;
  /** Its replicas but the leader's own. */
  readonly followers: readonly ReplicaProgress[];
}

/** How far one replica is. */
export interface ReplicaProgress {
  /** Number of the broker that holds it. */
  readonly brokerId: number;
  /** Committed batches that it does not have on its disk yet. */
  readonly lagBatches: number;
  /**
   * True while it takes what the leader sends. False: it is out of reach, or must catch up first.
   */
  readonly inSync: boolean;
}

/** Asks for a producer's number. */
export interface InitProducerIdRequest {
}

/** The number. */
export interface InitProducerIdResponse {
  /** Producer id for the headers of its batches, from 1. */
  readonly producerId: number;
  /** Producer epoch for the headers of its batches, from 0. */
  readonly producerEpoch: number;
}
