import type { BrokerId, CodedError, GroupNumber } from "@stratalog/base";
import type { ControllerCommand, MetadataImage, ResponseOf } from "@stratalog/metadata";

/**
 * What services see of the cluster's metadata: this broker's own copy of what the controller
 * committed.
 */
export interface ClusterMetadata {
  readonly image: MetadataImage;
  /** Index of the controller's log that the image is made of; 0 before anything was heard. */
  readonly appliedIndex: number;
  /** Calls back after the image changed. Returns how to stop. */
  onChange(callback: () => void): () => void;
}

/** The door to the controller from any broker. */
export interface Controller {
  /**
   * Commits a command; rejects with a CodedError, REQUEST_TIMED_OUT when no answer came in time.
   */
  submit<C extends ControllerCommand>(
    command: C,
    options: { readonly timeoutMs: number },
  ): Promise<ResponseOf<C>>;
}

/** Who leads a group, as far as this broker heard. */
export interface Leaders {
  leaderOf(group: GroupNumber): { readonly leader: BrokerId; readonly term: number } | undefined;
}

/** Some partitions of one topic. */
export interface TopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/** A committed offset, or one to commit. −1 in answers: nothing is committed. */
export interface PartitionOffset {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata: string;
  /** Beside −1: the partition came after the group began to read its topic. */
  readonly fromFirst?: boolean;
}

/** A member's first message: joins anew (epoch 0) or comes back. */
export interface MemberJoin {
  readonly type: "join";
  readonly groupId: string;
  readonly memberId: string;
  readonly memberEpoch: number;
  /** Revision of the last assignment that the member carried out; 0: none. */
  readonly revision: number;
  readonly instanceId?: string;
  readonly topics: readonly string[];
  /** Absent: none. */
  readonly topicPrefixes?: readonly string[];
  readonly rack?: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** How long the member may take over one record; absent: it watches itself. */
  readonly maxPollIntervalMs?: number;
  readonly owned: readonly TopicPartitions[];
  readonly clientId: string;
  /** Address that the stream comes from. */
  readonly clientAddress: string;
  /** Absent: the group's, or uniform for a new group. */
  readonly assignor?: "uniform" | "range";
}

/** What a member says. Checked for form and size; what it means is the coordinator's to judge. */
export type MemberMessage =
  | MemberJoin
  | {
      readonly type: "state";
      readonly memberEpoch: number;
      readonly revision: number;
      readonly owned: readonly TopicPartitions[];
    }
  /** `busyMs`: how long the member has been at its oldest record. */
  | { readonly type: "ping"; readonly busyMs: number }
  | {
      readonly type: "commit";
      readonly correlation: number;
      readonly memberEpoch: number;
      readonly offsets: readonly PartitionOffset[];
    }
  | { readonly type: "leave"; readonly keepStatic: boolean };

/** What a coordinator says. `fenced` and `moved` are the last message of a session. */
export type CoordinatorMessage =
  | {
      readonly type: "welcome";
      readonly memberId: string;
      readonly memberEpoch: number;
      readonly pingIntervalMs: number;
      readonly sessionTimeoutMs: number;
      readonly coordinatorEpoch: number;
    }
  | {
      readonly type: "assign";
      readonly memberEpoch: number;
      readonly revision: number;
      readonly assigned: readonly TopicPartitions[];
    }
  | { readonly type: "committed"; readonly correlation: number; readonly error?: CodedError }
  | { readonly type: "left" }
  | { readonly type: "fenced"; readonly error: CodedError }
  | { readonly type: "moved"; readonly error: CodedError };

/** The coordinator's end of one member's stream. */
export interface MemberSession {
  /** Takes a message, in order. Never throws: what is wrong is answered. */
  handle(message: MemberMessage): void;
  /**
   * The stream broke or ended. Not a leave: the session timeout decides. Nothing is sent from here
   * on.
   */
  close(): void;
}

/** One listed group. */
export interface GroupListing {
  readonly groupId: string;
  readonly state: string;
  readonly memberCount: number;
}

/** One member of a described group. */
export interface MemberDescription {
  readonly memberId: string;
  readonly instanceId?: string;
  readonly clientId: string;
  readonly clientAddress: string;
  readonly memberEpoch: number;
  readonly topics: readonly string[];
  readonly topicPrefixes: readonly string[];
  readonly owned: readonly TopicPartitions[];
  readonly target: readonly TopicPartitions[];
}

/** One described group. */
export interface GroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly MemberDescription[];
  readonly offsets: readonly PartitionOffset[];
}

/** Offsets committed outside a session. */
export interface OffsetCommit {
  readonly groupId: string;
  /** Absent: manual assignment. */
  readonly member?: { readonly memberId: string; readonly memberEpoch: number };
  readonly offsets: readonly PartitionOffset[];
}

/**
 * Consumer groups as the services see them. All but `findCoordinator` reject with NOT_COORDINATOR
 * (details leaderId when known) when another broker coordinates the group.
 */
export interface GroupCoordinator {
  /**
   * The broker that coordinates a group; makes the groups' topic on first use.
   * COORDINATOR_NOT_AVAILABLE: none yet.
   */
  findCoordinator(groupId: string, options: { readonly timeoutMs: number }): Promise<BrokerId>;
  /**
   * Opens a session; its first message is the join. `send` is called in order, never inside
   * `handle` of another session.
   */
  openSession(send: (message: CoordinatorMessage) => void): MemberSession;
  /** Resolves when the offsets are committed: all of them or none. */
  commitOffsets(commit: OffsetCommit): Promise<void>;
  /** The partitions asked for, or all that have an offset; confirmed by a quorum. */
  fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartitions[] | "all",
  ): Promise<readonly PartitionOffset[]>;
  /** The groups that this broker coordinates, by name. */
  listGroups(): Promise<readonly GroupListing[]>;
  /** Rejects with GROUP_NOT_FOUND. */
  describeGroup(groupId: string): Promise<GroupDescription>;
  /** Rejects with GROUP_NOT_FOUND or GROUP_NOT_EMPTY. */
  deleteGroup(groupId: string): Promise<void>;
}
