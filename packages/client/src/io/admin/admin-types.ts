/** A topic to create. What is left out, the cluster decides. */
export interface NewTopic {
  /** 1 to 249 of letters, digits, ".", "_" and "-"; INVALID_TOPIC otherwise. */
  readonly name: string;
  /** Default: the cluster's `num.partitions`. */
  readonly partitions?: number;
  /** Default: 3 from three brokers on, else 1. */
  readonly replicationFactor?: number;
  /** Configuration by name, for example `{ "retention.ms": "604800000" }`. */
  readonly config?: Readonly<Record<string, string>>;
  /** Only check whether it could be created. */
  readonly validateOnly?: boolean;
}

/** One partition of a described topic. */
export interface PartitionDescription {
  /** Number of the partition, from 0. */
  readonly partition: number;
  /** Broker that leads it; undefined while there is none. */
  readonly leader: number | undefined;
  /** Grows with every leader; 0 while there was none. */
  readonly leaderEpoch: number;
  /** Brokers that hold it, the preferred leader first. */
  readonly replicas: readonly number[];
}

/** One configuration value in force. */
export interface ConfigValue {
  readonly name: string;
  /** As text, whatever it means; in the unit that its name ends with. */
  readonly value: string;
  /** "topic": set for this topic. "default": what holds where nothing is set. */
  readonly source: "default" | "topic";
}

/** Everything about a topic. */
export interface TopicDescription {
  readonly name: string;
  /** A UUID: another topic under the same name has another one. */
  readonly topicId: string;
  /** Whether the cluster keeps it for itself. */
  readonly isInternal: boolean;
  /** Brokers that hold each partition. */
  readonly replicationFactor: number;
  /** By number. */
  readonly partitions: readonly PartitionDescription[];
  /** Every value in force, by name. */
  readonly config: readonly ConfigValue[];
}

/** One listed topic. */
export interface TopicSummary {
  readonly name: string;
  /** A UUID: another topic under the same name has another one. */
  readonly topicId: string;
  /** Whether the cluster keeps it for itself. */
  readonly isInternal: boolean;
  readonly partitionCount: number;
  readonly replicationFactor: number;
}

/** One broker of the cluster. */
export interface BrokerDescription {
  /** Its `node.id`. */
  readonly brokerId: number;
  /** "host:port" for clients; empty when it has no listener for them. */
  readonly address: string;
  /** Where it stands, as configured; empty for nowhere. */
  readonly rack: string;
  /** True when the controller counts the broker out. */
  readonly isFenced: boolean;
  /** Partitions that it leads. */
  readonly leaderCount: number;
  /** Partitions that it holds. */
  readonly replicaCount: number;
  /** Whether it votes on who the controller is. */
  readonly isControllerVoter: boolean;
}

/** The cluster. */
export interface ClusterDescription {
  /** A UUID, drawn when the cluster formed. */
  readonly clusterId: string;
  /** Broker that is the controller; undefined while there is none. */
  readonly controller: number | undefined;
  /** All that ever registered, by number. */
  readonly brokers: readonly BrokerDescription[];
  readonly topicCount: number;
  readonly partitionCount: number;
}

/** Which offsets to look up. */
export interface OffsetLookup {
  readonly topic: string;
  /** Default: all. */
  readonly partitions?: readonly number[];
  /** A rule, or the first record at or after a time: the end when there is none. */
  readonly at: "earliest" | "latest" | { readonly timestamp: number | Date };
}

/** An offset that was looked up. */
export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: bigint;
}

/** An offset that a group has committed. */
export interface CommittedOffset extends PartitionOffset {
  /** What was committed beside it; empty for nothing. */
  readonly metadata: string;
}

/** One listed group. */
export interface GroupSummary {
  readonly groupId: string;
  /** "empty", "assigning", "reconciling" or "stable". */
  readonly state: string;
  readonly memberCount: number;
  /** Broker that coordinates it. */
  readonly coordinator: number;
}

/** Partitions of one topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** One member of a group. */
export interface GroupMember {
  /** A UUID, drawn by the consumer. */
  readonly memberId: string;
  /** Static name; empty for none. */
  readonly instanceId: string;
  /** Name of its client. */
  readonly clientId: string;
  /** Where its stream comes from; empty while it has none. */
  readonly clientAddress: string;
  /** How far it is: equal to the group's once it is settled. */
  readonly memberEpoch: number;
  /** Topics that it named. */
  readonly topics: readonly string[];
  /** Topics whose names begin with one of these are wanted as well. */
  readonly topicPrefixes: readonly string[];
  /** What it owns now. */
  readonly owned: readonly TopicPartitions[];
  /** What it should own. */
  readonly target: readonly TopicPartitions[];
}

/** Everything about a group. */
export interface GroupDescription {
  readonly groupId: string;
  /** "empty", "assigning", "reconciling" or "stable". */
  readonly state: string;
  /** Grows with every change of members, subscriptions or partition counts. */
  readonly groupEpoch: number;
  /** "uniform" or "range". */
  readonly assignor: string;
  /** Broker that coordinates it. */
  readonly coordinator: number;
  /** By id. */
  readonly members: readonly GroupMember[];
  /** Committed offsets: the next record to read. */
  readonly offsets: readonly CommittedOffset[];
}

/** How far behind a group is in one partition. */
export interface GroupLag {
  readonly topic: string;
  readonly partition: number;
  /** Member that owns the partition, and the name of its client; undefined while nobody does. */
  readonly memberId: string | undefined;
  readonly clientId: string | undefined;
  /** Offset of the next record to read; undefined when nothing is committed. */
  readonly committed: bigint | undefined;
  /** End of the partition, confirmed by its quorum; undefined when its leader did not answer. */
  readonly end: bigint | undefined;
  /** Records from `committed` to `end`; undefined when either is. */
  readonly lag: bigint | undefined;
}

/**
 * Where a group is to go on: a rule, an offset, the first record at or after a time (milliseconds
 * since 1970 or a Date), or so many records on from (or, below zero, back from) what is committed.
 */
export type ResetPoint =
  | "earliest"
  | "latest"
  | { readonly offset: bigint | number }
  | { readonly timestamp: number | Date }
  | { readonly shift: number };

/** Which offsets of a group to set, and where to. */
export interface OffsetResetOptions extends AdminCallOptions {
  /** Where the group is to go on. */
  readonly to: ResetPoint;
  /** Default: every partition that the group has an offset of. */
  readonly topics?: readonly string[];
  /** Partitions of the one topic named. Default: all. */
  readonly partitions?: readonly number[];
}

/** @internal {@link OffsetResetOptions} with the group that they are about. */
export interface ResetRequest extends OffsetResetOptions {
  readonly groupId: string;
}

/** What a reset sets, or would set, in one partition. */
export interface PartitionReset {
  readonly topic: string;
  readonly partition: number;
  /** What is committed now; undefined for nothing. */
  readonly from: bigint | undefined;
  /** The new offset, always within what the partition has. */
  readonly to: bigint;
  /** Records from there to the end. */
  readonly lag: bigint;
}

/** What may end a call sooner. */
export interface AdminCallOptions {
  /** Ends the wait with ABORTED; what was asked for may still happen. */
  readonly signal?: AbortSignal;
}
