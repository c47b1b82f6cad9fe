import {
  type BrokerId,
  type Clock,
  CodedError,
  type GroupId,
  type KeyValueStore,
  type Logger,
  type MemberId,
  type Random,
  replicaIdentity,
  type Timer,
  type Timers,
  type TopicId,
} from "@stratalog/base";
import type { GroupRecord, TopicsView } from "@stratalog/groups";
import type { MetadataImage } from "@stratalog/metadata";
import { ReplicatedStateMachine, type ReplicationGroup } from "@stratalog/state-machine";
import type { ClusterView } from "../controller/metadata-view.ts";
import { type StateLog, useSmallSegments } from "../controller/state-log.ts";
import { type GroupsReplica, groupsMachine, topicsView } from "./groups-machine.ts";
import { type MemberKey, memberKey } from "./member-key.ts";
import { MemberWatch } from "./member-watch.ts";

/** Changes of topics gather for this long before groups are brought in step with them. */
const TOPICS_BATCH_MS = 200;
/** Groups that nobody uses are looked for this often, or once in their retention. */
const EXPIRY_MS_MAX = 600_000;

/** What every coordinator replica of a broker is made of. */
export interface CoordinatorReplicaContext {
  readonly view: ClusterView;
  readonly store: KeyValueStore;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** How long a group without members is kept after its last member or commit. */
  readonly offsetsRetentionMs: number;
  onFatal(error: Error): void;
}

/** Which replica. */
export interface CoordinatorPlace {
  readonly group: number;
  readonly partition: number;
  readonly log: StateLog;
}

/** The coordinator's end of a member's stream, as its replica sees it. */
export interface AttachedSession {
  /** Where the stream comes from. */
  readonly clientAddress: string;
  /** The group changed: pushes the member's assignment when it is a new one. */
  onGroupChanged(): void;
  /** The member is no longer in the group. */
  onRemoved(): void;
  /** This replica coordinates no more. */
  onCoordinatorMoved(leader: BrokerId | undefined): void;
}

/**
 * One partition of the groups' topic on this broker. Every replica keeps the state; the leader also
 * keeps time and streams, both soft: after a failover members come back to the next leader with
 * what they own, and nothing moves.
 */
export class CoordinatorReplica {
  readonly partition: number;
  readonly machine: GroupsReplica;
  readonly topics: TopicsView;
  readonly #context: CoordinatorReplicaContext;
  readonly #watch: MemberWatch;
  readonly #sessions = new Map<MemberKey, AttachedSession>();
  readonly #stopWatchingTopics: () => void;
  #deletedTopics = new Set<TopicId>();
  #topicsTimer: Timer | undefined;
  #expiryTimer: Timer | undefined;
  #isLeading = false;

  private constructor(
    context: CoordinatorReplicaContext,
    place: CoordinatorPlace,
    machine: GroupsReplica,
  ) {
    const { clock, timers, logger, view } = context;
    this.#context = context;
    this.partition = place.partition;
    this.machine = machine;
    this.topics = topicsView(view);
    this.#watch = new MemberWatch({ replica: machine, clock, timers, logger });
    machine.onChange(({ records }) => this.#onChange(records));
    machine.onRoleChange(({ role, leader }) => this.#onRole(role === "leader", leader));
    this.#stopWatchingTopics = view.onChange((image, previous) => this.#onTopics(image, previous));
  }

  /** Loads the replica's snapshot. Rejects with STORAGE_DAMAGED. */
  static async open(
    context: CoordinatorReplicaContext,
    place: CoordinatorPlace,
  ): Promise<CoordinatorReplica> {
    const { view, store, clock, timers, random, logger } = context;
    useSmallSegments(place.log);
    const machine = await ReplicatedStateMachine.open({
      definition: groupsMachine(`coordinator ${place.partition}`, topicsView(view)),
      store,
      keyPrefix: `coordinator/${place.group}`,
      clock,
      timers,
      random,
      logger,
      dropLogPrefix: (index) => place.log.dropPrefix(index),
      onFatal: (error) => context.onFatal(error),
    });
    return new CoordinatorReplica(context, place, machine);
  }

  /** What the Raft group talks to. */
  get listener(): GroupsReplica {
    return this.machine;
  }

  get appliedIndex(): number {
    return this.machine.appliedIndex;
  }

  get isLeading(): boolean {
    return this.#isLeading;
  }

  /** The broker that leads, as far as this replica knows. */
  get leader(): BrokerId | undefined {
    const { leader } = this.machine.role;
    return leader === undefined ? undefined : replicaIdentity(leader).brokerId;
  }

  attach(group: ReplicationGroup): void {
    this.machine.attach(group);
  }

  /**
   * stop: keeps the state, as a snapshot. deleted: the files go, and so does what they were for.
   */
  async close(reason: "stop" | "deleted"): Promise<void> {
    this.#stopWatchingTopics();
    this.#onRole(false, undefined);
    if (reason === "stop") await this.machine.saveSnapshot();
    this.machine.close();
  }

  /** Connects a member's stream; an earlier one of the same member is told that it is out. */
  connect(groupId: GroupId, memberId: MemberId, session: AttachedSession): void {
    const key = memberKey(groupId, memberId);
    const earlier = this.#sessions.get(key);
    this.#sessions.set(key, session);
    if (earlier !== undefined && earlier !== session) earlier.onRemoved();
    this.#watch.touch(groupId, memberId);
  }

  /** A stream ended; the session timeout decides about the member. */
  disconnect(groupId: GroupId, memberId: MemberId, session: AttachedSession): void {
    const key = memberKey(groupId, memberId);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
  }

  /** Where a member's stream comes from; empty while it has none here. */
  clientAddress(groupId: GroupId, memberId: MemberId): string {
    return this.#sessions.get(memberKey(groupId, memberId))?.clientAddress ?? "";
  }

  /** A member shows that it lives. */
  touch(groupId: GroupId, memberId: MemberId): void {
    if (this.#isLeading) this.#watch.touch(groupId, memberId);
  }

  #onRole(isLeading: boolean, leader: number | undefined): void {
    if (isLeading === this.#isLeading) return;
    this.#isLeading = isLeading;
    if (isLeading) {
      this.#watch.start(this.machine.state);
      this.#scheduleTopics();
      this.#scheduleExpiry();
      return;
    }
    this.#watch.stop();
    this.#topicsTimer?.cancel();
    this.#topicsTimer = undefined;
    this.#expiryTimer?.cancel();
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    const next = leader === undefined ? undefined : replicaIdentity(leader).brokerId;
    for (const session of sessions) session.onCoordinatorMoved(next);
  }

  #onChange(records: readonly GroupRecord[] | undefined): void {
    if (!this.#isLeading || records === undefined) return;
    const touched = new Set<GroupId>();
    const left: { readonly groupId: GroupId; readonly memberId: MemberId }[] = [];
    for (const record of records) {
      if (record.type === "offsets-committed" || record.type === "offsets-deleted") continue;
      touched.add(record.groupId);
      if (record.type === "member-left") left.push(record);
    }
    for (const { groupId, memberId } of left) this.#afterLeave(groupId, memberId);
    for (const groupId of touched) this.#afterChange(groupId);
  }

  #afterLeave(groupId: GroupId, memberId: MemberId): void {
    // It may have come back within the same entry.
    if (this.machine.state.groups.get(groupId)?.members.has(memberId) === true) return;
    this.#watch.forget(groupId, memberId);
    const key = memberKey(groupId, memberId);
    const session = this.#sessions.get(key);
    this.#sessions.delete(key);
    session?.onRemoved();
  }

  #afterChange(groupId: GroupId): void {
    const group = this.machine.state.groups.get(groupId);
    this.#watch.follow(groupId, group);
    for (const memberId of group?.members.keys() ?? []) {
      this.#sessions.get(memberKey(groupId, memberId))?.onGroupChanged();
    }
  }

  #onTopics(image: MetadataImage, previous: MetadataImage): void {
    if (!this.#isLeading || image.topics === previous.topics) return;
    for (const topicId of previous.topics.keys()) {
      if (!image.topics.has(topicId)) this.#deletedTopics.add(topicId);
    }
    this.#scheduleTopics();
  }

  #scheduleTopics(): void {
    if (this.#topicsTimer !== undefined) return;
    this.#topicsTimer = this.#context.timers.after(TOPICS_BATCH_MS, () => {
      this.#topicsTimer = undefined;
      const deleted = [...this.#deletedTopics];
      this.#deletedTopics = new Set();
      this.machine.submit({ type: "topics-changed", deleted }).catch((error: unknown) => {
        if (!this.#isLeading) return;
        this.#context.logger.debug({ error }, "groups are not in step with the topics yet");
        for (const topicId of deleted) this.#deletedTopics.add(topicId);
        this.#scheduleTopics();
      });
    });
  }

  #scheduleExpiry(): void {
    const { timers, offsetsRetentionMs: retentionMs } = this.#context;
    this.#expiryTimer = timers.after(Math.min(EXPIRY_MS_MAX, retentionMs), () => {
      const command = { type: "expire-groups", retentionMs } as const;
      this.machine.submit(command).catch((error: unknown) => {
        this.#context.logger.debug({ error: CodedError.from(error) }, "expiry of groups failed");
      });
      if (this.#isLeading) this.#scheduleExpiry();
    });
  }
}
