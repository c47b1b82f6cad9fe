/** One record as the tour sees it. */
export interface TourRecord {
  readonly partition: number;
  readonly offset: bigint;
  readonly value: Uint8Array;
}

/** A record to write. */
export interface TourWrite {
  readonly topic: string;
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly timestampMs: number;
}

/** Where an acknowledged record is. */
export interface TourAck {
  readonly partition: number;
  readonly offset: bigint;
}

/** Who has which partitions of a topic in a consumer group. */
export interface TourGroup {
  readonly coordinatorId: number;
  /** Partitions of the tour's topic by client name. */
  readonly owned: ReadonlyMap<string, readonly number[]>;
}

/** One member of a group: records until it is closed. */
export interface TourMember extends AsyncIterable<TourRecord> {
  /** Leaves the group; what was passed is committed. */
  close(): Promise<void>;
}

/** What the tour asks of the SDK: a port, so that its logic is tested without a cluster. */
export interface TourClient {
  createTopic(topic: string, partitionCount: number): Promise<void>;
  listTopics(): Promise<readonly string[]>;
  /** Number of the broker that leads each partition; undefined while there is none. */
  leaders(topic: string): Promise<readonly (number | undefined)[]>;
  /** Brokers that the controller counts in. */
  liveBrokers(): Promise<readonly number[]>;
  describeGroup(group: string, topic: string): Promise<TourGroup | undefined>;
  /** Sum of committed offsets of a group in a topic. */
  committedCount(group: string, topic: string): Promise<bigint>;
  /**
   * Resolves when the record is on the disks of a majority. Order holds per key in the order of
   * calls.
   */
  send(write: TourWrite): Promise<TourAck>;
  join(group: string, topic: string, name: string): TourMember;
  /**
   * Every record of the topic from its beginning, or from the first at or after a time, to its end
   * of now.
   */
  replay(topic: string, fromTimestampMs?: number): AsyncIterable<TourRecord>;
  close(): Promise<void>;
}
