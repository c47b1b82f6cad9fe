/** The settings of a topic that its partitions obey. */
export interface PartitionConfig {
  /** Largest batch that producers may send, bytes as they come. */
  readonly maxMessageBytes: number;
  /** Records older than this may go; −1 keeps them. */
  readonly retentionMs: number;
  /** Oldest records go when the partition is larger; −1 keeps them. */
  readonly retentionBytes: number;
}

/** Kafka's defaults, but for retention: this is where events live, deleting is asked for. */
export const PARTITION_CONFIG_DEFAULTS: PartitionConfig = {
  maxMessageBytes: 1_048_588,
  retentionMs: -1,
  retentionBytes: -1,
};

/** Bounds of one replica's memory and waits. */
export interface PartitionLimits {
  /** Proposed and not yet committed, bytes; producers are throttled above. */
  readonly uncommittedBytesMax: number;
  /**
   * A proposal that waits longer than this says that replicas are missing, not that producers are
   * fast.
   */
  readonly stalledAfterMs: number;
  /** Producers remembered for duplicates; the least recently used are forgotten. */
  readonly producersMax: number;
  /** A producer that sent nothing for so long is forgotten. */
  readonly producerExpiryMs: number;
  readonly fetchWaitersMax: number;
  /** Largest answer of one read, whatever is asked for (but never less than one batch). */
  readonly readBytesMax: number;
  /** A quorum that does not confirm leadership within this is out of reach. */
  readonly confirmTimeoutMs: number;
  /**
   * Committed bytes and frames between two snapshots: what a restart reads again at most, plus
   * what is lost.
   */
  readonly snapshotBytes: number;
  readonly snapshotFrames: number;
}

export const PARTITION_LIMITS: PartitionLimits = {
  uncommittedBytesMax: 16 * 1024 * 1024,
  stalledAfterMs: 3_000,
  producersMax: 10_000,
  producerExpiryMs: 24 * 60 * 60 * 1000,
  fetchWaitersMax: 10_000,
  readBytesMax: 16 * 1024 * 1024,
  confirmTimeoutMs: 5_000,
  snapshotBytes: 64 * 1024 * 1024,
  snapshotFrames: 20_000,
};
