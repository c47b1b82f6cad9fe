import { type BrokerId, CodedError, type GroupId, type MemberId, sleep } from "@stratalog/base";
import {
  coordinatorPartition,
  describeGroup,
  type Group,
  groupStateName,
  isLaterPartition,
  groupsByName,
  type GroupsState,
  offsetFields,
  partitionKey,
} from "@stratalog/groups";
import { topicByName, type MetadataImage } from "@stratalog/metadata";
import type { ControllerClient } from "../controller/controller-client.ts";
import type { StateLog } from "../controller/state-log.ts";
import { withTimeout } from "../controller/with-timeout.ts";
import type { HostedGroup, HostedReplica } from "../replicas/hosting.ts";
import type { LeaderView } from "../replicas/replica-lookup.ts";
import type {
  CoordinatorMessage,
  GroupCoordinator,
  GroupDescription,
  GroupListing,
  MemberSession,
  OffsetCommit,
  PartitionOffset,
  TopicPartitions,
} from "../services/ports.ts";
import { asCoordinatorError, notCoordinator } from "./coordinator-errors.ts";
import { CoordinatorReplica, type CoordinatorReplicaContext } from "./coordinator-replica.ts";
import { GroupsTopic } from "./groups-topic.ts";
import { CoordinatedSession } from "./member-session.ts";

export interface GroupCoordinatorsOptions extends CoordinatorReplicaContext {
  readonly brokerId: BrokerId;
  readonly client: ControllerClient;
  readonly leaders: LeaderView;
  /** Partitions of the groups' topic, fixed at its creation. Default of the configuration: 8. */
  readonly partitionCount: number;
  /** Replicas of each; creation waits for as many brokers. */
  readonly replicationFactor: number;
  /** Pause between a member's pings. */
  readonly pingIntervalMs: number;
  /** A command or a confirmed read that takes longer is given up. Default 10,000. */
  readonly requestTimeoutMs?: number;
}

/** What a place of the groups' topic looks like to whoever opens its replica. */
interface OpenedPlace {
  readonly partition: { readonly partition: number; readonly group: number };
  readonly log: StateLog;
}

const REQUEST_TIMEOUT_MS = 10_000;
const LEADER_POLL_MS = 25;

/** The groups that this broker coordinates, and the way to those that others do. */
export class GroupCoordinators implements GroupCoordinator {
  readonly #options: GroupCoordinatorsOptions;
  readonly #topic: GroupsTopic;
  readonly #replicas = new Map<number, CoordinatorReplica>();

  constructor(options: GroupCoordinatorsOptions) {
    this.#options = options;
    this.#topic = new GroupsTopic(options);
  }

  /** Opens a replica of one partition of the groups' topic, to be given to its Raft group. */
  async openReplica(place: OpenedPlace): Promise<HostedReplica> {
    const { partition, group } = place.partition;
    const replica = await CoordinatorReplica.open(this.#options, {
      partition,
      group,
      log: place.log,
    });
    this.#replicas.set(partition, replica);
    return {
      listener: replica.listener,
      appliedIndex: replica.appliedIndex,
      attach: (raft: HostedGroup) => replica.attach(raft),
      close: async (reason) => {
        if (this.#replicas.get(partition) === replica) this.#replicas.delete(partition);
        await replica.close(reason);
      },
    };
  }

  /** The groups that this broker coordinates, as last applied. */
  *ledGroups(): Generator<Group, void> {
    for (const replica of this.#replicas.values()) {
      if (replica.isLeading) yield* replica.machine.state.groups.values();
    }
  }

  async findCoordinator(
    groupId: string,
    options: { readonly timeoutMs: number },
  ): Promise<BrokerId> {
    const { clock, timers } = this.#options;
    const deadlineMs = clock.monotonicMs() + options.timeoutMs;
    await this.#topic.ensure(options.timeoutMs);
    for (;;) {
      const leader = this.#leaderOf(groupId as GroupId);
      if (leader !== undefined) return leader;
      if (clock.monotonicMs() >= deadlineMs) throw notCoordinator(groupId, undefined);
      await sleep(timers, LEADER_POLL_MS);
    }
  }

  openSession(send: (message: CoordinatorMessage) => void): MemberSession {
    const { pingIntervalMs } = this.#options;
    return new CoordinatedSession({ find: (groupId) => this.#find(groupId), send, pingIntervalMs });
  }

  async commitOffsets(commit: OffsetCommit): Promise<void> {
    const groupId = commit.groupId as GroupId;
    const { member, offsets } = commit;
    const replica = this.#find(groupId);
    const command = {
      type: "commit-offsets" as const,
      groupId,
      offsets,
      ...(member === undefined
        ? {}
        : { member: { ...member, memberId: member.memberId.toLowerCase() as MemberId } }),
    };
    await this.#bounded(groupId, replica, replica.machine.submit(command));
  }

  async fetchOffsets(
    groupId: string,
    partitions: readonly TopicPartitions[] | "all",
  ): Promise<readonly PartitionOffset[]> {
    const id = groupId as GroupId;
    const replica = this.#find(id);
    const state = await this.#bounded(id, replica, replica.machine.read());
    const { image } = this.#options.view;
    if (partitions === "all") return allOffsets(state, id, image);
    return partitions.flatMap(({ topic, partitions: numbers }) => {
      return numbers.map((partition) => offsetOf(state, id, { topic, partition, image }));
    });
  }

  async listGroups(): Promise<readonly GroupListing[]> {
    const leading = [...this.#replicas.values()].filter((replica) => replica.isLeading);
    const states = await Promise.all(
      leading.map((replica) => this.#bounded(undefined, replica, replica.machine.read())),
    );
    return states
      .flatMap((state) => groupsByName(state))
      .map((group) => ({
        groupId: group.groupId,
        state: groupStateName(group),
        memberCount: group.members.size,
      }))
      .toSorted((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  async describeGroup(groupId: string): Promise<GroupDescription> {
    const id = groupId as GroupId;
    const replica = this.#find(id);
    const state = await this.#bounded(id, replica, replica.machine.read());
    const group = state.groups.get(id);
    if (group === undefined) {
      throw new CodedError("GROUP_NOT_FOUND", `there is no group ${JSON.stringify(groupId)}`);
    }
    const description = describeGroup(group);
    return {
      ...description,
      members: description.members.map(({ prefixes, ...member }) => ({
        ...member,
        topicPrefixes: prefixes,
        clientAddress: replica.clientAddress(id, member.memberId),
      })),
      offsets: allOffsets(state, id, this.#options.view.image),
    };
  }

  async deleteGroup(groupId: string): Promise<void> {
    const id = groupId as GroupId;
    const replica = this.#find(id);
    const command = { type: "delete-group", groupId: id } as const;
    await this.#bounded(id, replica, replica.machine.submit(command));
  }

  /**
   * The replica here that leads a group's partition; throws NOT_COORDINATOR or
   * COORDINATOR_NOT_AVAILABLE.
   */
  #find(groupId: GroupId): CoordinatorReplica {
    const topic = this.#topic.image;
    if (topic === undefined) throw notCoordinator(groupId, undefined);
    const partition = coordinatorPartition(groupId, topic.partitions.length);
    const replica = this.#replicas.get(partition);
    if (replica?.isLeading === true) return replica;
    throw notCoordinator(groupId, this.#leaderOf(groupId));
  }

  #leaderOf(groupId: GroupId): BrokerId | undefined {
    const { leaders, brokerId } = this.#options;
    const topic = this.#topic.image;
    if (topic === undefined) return undefined;
    const number = coordinatorPartition(groupId, topic.partitions.length);
    const replica = this.#replicas.get(number);
    if (replica !== undefined) return replica.isLeading ? brokerId : replica.leader;
    const partition = topic.partitions[number];
    return partition === undefined ? undefined : leaders.leaderOf(partition.group)?.leader;
  }

  async #bounded<T>(
    groupId: GroupId | undefined,
    replica: CoordinatorReplica,
    answer: Promise<T>,
  ): Promise<T> {
    const { timers, requestTimeoutMs = REQUEST_TIMEOUT_MS } = this.#options;
    const what = `the coordinator of ${groupId ?? `partition ${replica.partition}`}`;
    try {
      return await withTimeout(timers, answer, { timeoutMs: requestTimeoutMs, what });
    } catch (error) {
      throw asCoordinatorError(error, groupId ?? "*", replica.leader);
    }
  }
}

/** Offsets of topics that exist, by topic and partition. */
function allOffsets(
  state: GroupsState,
  groupId: GroupId,
  image: MetadataImage,
): readonly PartitionOffset[] {
  const group = state.groups.get(groupId);
  if (group === undefined) return [];
  return offsetFields(group)
    .filter(({ topicId }) => image.topics.has(topicId))
    .map(({ topic, partition, offset, leaderEpoch, metadata }) => ({
      topic,
      partition,
      offset,
      ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
      metadata,
    }))
    .toSorted((a, b) =>
      a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1,
    );
}

function offsetOf(
  state: GroupsState,
  groupId: GroupId,
  place: { readonly topic: string; readonly partition: number; readonly image: MetadataImage },
): PartitionOffset {
  const { topic, partition, image } = place;
  const topicId = topicByName(image, topic)?.topicId;
  const group = state.groups.get(groupId);
  const nothing = { topic, partition, offset: -1, metadata: "" };
  if (topicId === undefined || group === undefined) return nothing;
  const committed = group.offsets.get(partitionKey(topicId, partition));
  if (committed === undefined) {
    return { ...nothing, fromFirst: isLaterPartition(group, topicId, partition) };
  }
  const { offset, leaderEpoch, metadata } = committed;
  return {
    topic,
    partition,
    offset,
    ...(leaderEpoch === undefined ? {} : { leaderEpoch }),
    metadata,
  };
}
