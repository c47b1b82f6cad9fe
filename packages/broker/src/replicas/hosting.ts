import type { GroupNumber } from "@stratalog/base";
import type { PartitionImage, TopicImage } from "@stratalog/metadata";
import type { PartitionService, ReplicaLog, Replication } from "@stratalog/partition";
import type { GroupListener, GroupStatus } from "@stratalog/raft-host";

// What hosting a replica takes, as the registry sees it: log-store's LogStore and raft-host's
// RaftHost fit.

/** A replica's log, as it was created or recovered. */
export interface HostedLog extends ReplicaLog {
  /** Entries at or below the index may go: a snapshot has what they said. */
  dropPrefix(index: number): void;
  /** When to begin another file: settings of the topic. */
  segmentBytes: number;
  segmentMs: number | undefined;
}

/** Names a group's files and says what they are for. */
export interface HostedDescriptor {
  readonly group: GroupNumber;
  readonly kind: "controller" | "coordinator" | "partition";
  readonly topicId?: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly replicaEpoch: number;
}

/** What recovery found. A damaged group is never opened: it must not vote with what it has lost. */
export interface FoundGroup {
  readonly group: GroupNumber;
  readonly descriptor: HostedDescriptor;
  readonly state: "ready" | "damaged";
  readonly reason?: string;
}

export interface LogHost {
  groups(): readonly FoundGroup[];
  /** Durable when it resolves; harmless when the group exists. */
  createGroup(descriptor: HostedDescriptor): Promise<HostedLog>;
  dropGroup(group: GroupNumber): Promise<void>;
}

/** One Raft group that runs here. */
export interface HostedGroup extends Replication {
  transferLeadership(to: number): void;
  /** On the leader, how far each replica is. */
  status(): Pick<GroupStatus, "commit" | "progress">;
}

export interface GroupHost {
  addGroup(options: {
    readonly group: GroupNumber;
    readonly replicas: readonly number[];
    readonly self: number;
    readonly appliedIndex: number;
    readonly listener: GroupListener;
    readonly priority: "preferred" | "normal";
    readonly campaignAtOnce: boolean;
  }): HostedGroup;
  removeGroup(group: GroupNumber): Promise<void>;
  /** The replica takes part in nothing any more; the others of its group are told. */
  failGroup(group: GroupNumber, reason: string): void;
  /** A replica that must never run: whoever writes to it is told. */
  refuseGroup(group: GroupNumber, self: number): void;
}

/**
 * A replica between its log and its Raft group. Life: opened, given to the group as listener,
 * attached, closed.
 */
export interface HostedReplica {
  readonly listener: GroupListener;
  /** The group delivers committed frames from the one after this. */
  readonly appliedIndex: number;
  /** What clients may do with it; absent for replicas that hold a state machine. */
  readonly service?: PartitionService;
  attach(group: HostedGroup): void;
  /** The topic's configuration changed. */
  updateTopic?(topic: TopicImage): void;
  /** Called about once a second. */
  maintain?(): void;
  /** Records below an offset are gone on every replica: a leader has applied that. */
  forgetBelow?(offset: number): void;
  close(reason: "stop" | "deleted"): Promise<void>;
}

/** Makes replicas of one kind of topic. */
export type ReplicaOpener = (place: {
  readonly topic: TopicImage;
  readonly partition: PartitionImage;
  readonly log: HostedLog;
}) => Promise<HostedReplica>;
