// Generated from proto/stratalog/v1/groups.proto by scripts/generate.ts.
// Do not edit; a test compares.
import type { BidiMethod, UnaryMethod } from "../method.ts";
import type { WireError } from "./error.ts";

/**
 * Consumer groups. Ask the group's coordinator (FindCoordinator); another broker answers
 * NOT_COORDINATOR with a hint.
 */
export interface GroupService {
  /**
   * One member's membership. The client joins, says what it owns whenever that changes, pings,
   * commits and leaves; the coordinator pushes assignments. A broken stream is not a leave: within
   * the session timeout the same member may join again with its epoch and what it owns, and nothing
   * moves.
   */
  readonly groupSession: BidiMethod<GroupSessionRequest, GroupSessionResponse>;
  /** Which broker coordinates a group. Any broker answers; the group need not exist. */
  readonly findCoordinator: UnaryMethod<FindCoordinatorRequest, FindCoordinatorResponse>;
  /**
   * Commits offsets outside a session: manual assignment (no member), or a member between two
   * streams.
   */
  readonly commitOffsets: UnaryMethod<CommitOffsetsRequest, CommitOffsetsResponse>;
  /** Committed offsets, confirmed by the coordinator's quorum. */
  readonly fetchOffsets: UnaryMethod<FetchOffsetsRequest, FetchOffsetsResponse>;
  /** Groups that the answering broker coordinates; ask every broker for all. */
  readonly listGroups: UnaryMethod<ListGroupsRequest, ListGroupsResponse>;
  /** Everything about one group. */
  readonly describeGroup: UnaryMethod<DescribeGroupRequest, DescribeGroupResponse>;
  /** Deletes a group without members and its committed offsets; GROUP_NOT_EMPTY otherwise. */
  readonly deleteGroup: UnaryMethod<DeleteGroupRequest, DeleteGroupResponse>;
}

/** Some partitions of one topic. */
export interface TopicPartitions {
  /** Name of the topic. */
  readonly topic: string;
  /** Numbers of the partitions, each once. */
  readonly partitions: readonly number[];
}

/**
 * One message of the member; the first must be `join`. A malformed one ends the stream with
 * INVALID_REQUEST.
 */
export interface GroupSessionRequest {
  /** Which of the fields of this choice is set; absent: none. */
  readonly request?:
    | "join"
    | "state"
    | "ping"
    | "commit"
    | "leave";
  /** Joins or comes back. Once per stream. */
  readonly join?: GroupJoin;
  /** Says what the member owns now. */
  readonly state?: GroupState;
  /** Shows that the member lives. Any other message does so as well. */
  readonly ping?: GroupPing;
  /** Commits offsets. */
  readonly commit?: GroupCommit;
  /** Leaves; the coordinator ends the stream when that is done. */
  readonly leave?: GroupLeave;
}

/** Joins a group, or comes back to it after a broken stream. */
export interface GroupJoin {
  /**
   * Name of the group: 1 to 249 of letters, digits, ".", "_" and "-". It is created by its first
   * member.
   */
  readonly groupId: string;
  /** Identity of the member: a UUID in text form that the client draws once per consumer. */
  readonly memberId: string;
  /**
   * 0: join anew. Otherwise the epoch that the member last had, to come back with what it owns;
   * FENCED_MEMBER_EPOCH or UNKNOWN_MEMBER in `fenced` say that it must give everything up and join
   * with 0.
   */
  readonly memberEpoch: number;
  /**
   * Static name: a member that comes back under it within the session timeout takes its
   * predecessor's place. At most 255 bytes. Default empty: none.
   */
  readonly instanceId: string;
  /**
   * Names of the topics wanted; all members need not want the same. They need not exist yet. With
   * the prefixes 1 to 1,000.
   */
  readonly topics: readonly string[];
  /** Rack of the client. Default empty. At most 255 bytes. */
  readonly rack: string;
  /**
   * Milliseconds without a sign of life after which the member is out. 0: the default of 45,000.
   * 1,000 to 1,800,000.
   */
  readonly sessionTimeoutMs: number;
  /**
   * Milliseconds that the member may take to give up partitions. 0: the default of 300,000. 1,000
   * to 1,800,000.
   */
  readonly rebalanceTimeoutMs: number;
  /** What the member owns. Empty when member_epoch is 0. */
  readonly owned: readonly TopicPartitions[];
  /** Name of the client for descriptions. At most 255 bytes. Default empty. */
  readonly clientId: string;
  /**
   * How to share out partitions: "uniform" (default, also when empty: even and sticky) or "range".
   * The group's first member decides.
   */
  readonly assignor: string;
  /** Revision of the last assignment that the member carried out; 0 for none. */
  readonly revision: number;
  /**
   * Every topic whose name begins with one of these is wanted as well, also one that is created
   * later. None may be empty; internal topics never match. Default: none.
   */
  readonly topicPrefixes: readonly string[];
  /**
   * Milliseconds that the member may take over one record. A ping that says that it took longer
   * costs the membership: UNKNOWN_MEMBER in `fenced`. 0, the default: the member watches itself.
   */
  readonly maxPollIntervalMs: number;
}

/** What the member owns, after it gave up or took on what an assignment said. */
export interface GroupState {
  /** The member's epoch as last assigned. */
  readonly memberEpoch: number;
  /** Everything it owns now. */
  readonly owned: readonly TopicPartitions[];
  /**
   * Revision of the last assignment that the member carried out. Only the latest counts as carried
   * out: a state that crossed a newer assignment on its way does not give away what that one adds.
   */
  readonly revision: number;
}

/** A sign of life. */
export interface GroupPing {
  /** Any number; comes back in the pong. */
  readonly sequence: number;
  /**
   * Milliseconds for which the oldest record that the member works on has been in its hands. 0: it
   * works on none.
   */
  readonly busyMs: number;
}

/** Commits offsets as the member. */
export interface GroupCommit {
  /**
   * Number chosen by the client; comes back in `committed`. Up to 2^53-1. At most 64 commits in
   * flight per session.
   */
  readonly correlation: number;
  /**
   * The member's epoch. A stale one is refused with FENCED_MEMBER_EPOCH for partitions that the
   * member has not owned since that epoch or before.
   */
  readonly memberEpoch: number;
  /** The offsets; a partition at most once. 1 to 10,000. */
  readonly offsets: readonly PartitionOffset[];
}

/** Leaves the group. */
export interface GroupLeave {
  /**
   * Keep the place for the same instance_id until the session times out. Default false. Needs an
   * instance_id.
   */
  readonly keepStatic: boolean;
}

/** A committed offset. */
export interface PartitionOffset {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition. */
  readonly partition: number;
  /**
   * Offset of the next record to read, one past the last one done. -1 in answers: nothing
   * committed.
   */
  readonly offset: number;
  /** Leader epoch of the last record done; absent when unknown. */
  readonly leaderEpoch?: number;
  /** Text kept beside the offset. At most 4,096 bytes. Default empty. */
  readonly metadata: string;
  /**
   * In answers, beside offset -1: the partition, or its whole topic, came after the group began to
   * read the topic. Begin at its earliest record whatever the client's rule for beginners says, or
   * records are skipped. Ignored in requests.
   */
  readonly fromFirst: boolean;
}

/** One message of the coordinator. */
export interface GroupSessionResponse {
  /** Which of the fields of this choice is set; absent: none. */
  readonly response?:
    | "welcome"
    | "assign"
    | "committed"
    | "fenced"
    | "moved"
    | "pong";
  /** The member is in. */
  readonly welcome?: GroupWelcome;
  /** What the member should own. */
  readonly assign?: GroupAssign;
  /** A commit is done or refused. */
  readonly committed?: GroupCommitted;
  /**
   * The member is out and must give everything up; the stream ends after this. Join again as the
   * error says.
   */
  readonly fenced?: GroupFenced;
  /**
   * Another broker coordinates the group now; the stream ends after this. The member keeps what
   * it owns and joins there with its epoch.
   */
  readonly moved?: GroupMoved;
  /** Answers a ping. */
  readonly pong?: GroupPong;
}

/** The member is in. */
export interface GroupWelcome {
  /** The member's identity, as it said. */
  readonly memberId: string;
  /** The member's epoch now. */
  readonly memberEpoch: number;
  /**
   * Milliseconds between pings that the coordinator wants; a third of the session timeout or less.
   */
  readonly pingIntervalMs: number;
  /** Session timeout in force, in milliseconds. */
  readonly sessionTimeoutMs: number;
  /** Epoch of the coordinator (its Raft term). A message of an older coordinator is stale. */
  readonly coordinatorEpoch: number;
}

/**
 * What the member should own, all of it. It gives up what is not listed, says so with `state`, and
 * takes on the rest.
 */
export interface GroupAssign {
  /** The member's new epoch. */
  readonly memberEpoch: number;
  /** Everything that it should own. */
  readonly assigned: readonly TopicPartitions[];
  /**
   * Number of this assignment; grows with every one that the member is sent, also within an epoch.
   */
  readonly revision: number;
}

/** Answers a commit. */
export interface GroupCommitted {
  /** The commit's number. */
  readonly correlation: number;
  /** Present when the commit was refused: none of its offsets is stored. */
  readonly error: WireError | null;
}

/** The member is out. */
export interface GroupFenced {
  /** Why: FENCED_MEMBER_EPOCH, UNKNOWN_MEMBER, or what was wrong with the join. */
  readonly error: WireError | null;
}

/** The coordinator moved. */
export interface GroupMoved {
  /**
   * NOT_COORDINATOR or COORDINATOR_NOT_AVAILABLE, with a hint when the new coordinator is known;
   * else FindCoordinator.
   */
  readonly error: WireError | null;
}

/** Answers a ping. */
export interface GroupPong {
  /** The ping's number. */
  readonly sequence: number;
}

/** Which group's coordinator. */
export interface FindCoordinatorRequest {
  /** Name of the group. */
  readonly groupId: string;
}

/** The coordinator. */
export interface FindCoordinatorResponse {
  /** Number of the broker. COORDINATOR_NOT_AVAILABLE is the status while there is none. */
  readonly brokerId: number;
  /** Advertised host on the listener that the caller came through. */
  readonly host: string;
  /** Advertised port of that listener. */
  readonly port: number;
}

/** Offsets to commit. */
export interface CommitOffsetsRequest {
  /** Name of the group; created when it does not exist. */
  readonly groupId: string;
  /**
   * The member, or empty for manual assignment, which is refused with UNKNOWN_MEMBER while the
   * group has members.
   */
  readonly memberId: string;
  /** The member's epoch. Ignored without a member. */
  readonly memberEpoch: number;
  /** The offsets; a partition at most once. 1 to 10,000. All are stored or none. */
  readonly offsets: readonly PartitionOffset[];
}

/** The offsets are stored. */
export interface CommitOffsetsResponse {
}

/** Offsets to look up. */
export interface FetchOffsetsRequest {
  /** Name of the group. An unknown one has nothing committed. */
  readonly groupId: string;
  /** The partitions; empty: all that have an offset. At most 10,000 partitions. */
  readonly partitions: readonly TopicPartitions[];
}

/** The offsets. */
export interface FetchOffsetsResponse {
  /** One per partition asked for (offset -1: nothing committed), or all that have one. */
  readonly offsets: readonly PartitionOffset[];
}

/** Which groups to list. */
export interface ListGroupsRequest {
  /** Only names that begin with this. Default empty: all. */
  readonly prefix: string;
}

/** The groups of the answering broker. */
export interface ListGroupsResponse {
  /** The groups, by name. */
  readonly groups: readonly GroupSummary[];
}

/** One listed group. */
export interface GroupSummary {
  /** Name of the group. */
  readonly groupId: string;
  /** "empty", "assigning", "reconciling" or "stable". */
  readonly state: string;
  /** Number of members. */
  readonly memberCount: number;
  /** Number of the broker that coordinates it. */
  readonly coordinatorId: number;
}

/** Which group to describe. */
export interface DescribeGroupRequest {
  /** Name of the group; GROUP_NOT_FOUND when there is none. */
  readonly groupId: string;
}

/** The group. */
export interface DescribeGroupResponse {
  /** Name of the group. */
  readonly groupId: string;
  /** "empty", "assigning", "reconciling" or "stable". */
  readonly state: string;
  /** Epoch of the group: grows with every change of members, subscriptions or partition counts. */
  readonly groupEpoch: number;
  /** Epoch of the target assignment; equal to group_epoch once it is computed. */
  readonly assignmentEpoch: number;
  /** Assignor in force: "uniform" or "range". */
  readonly assignor: string;
  /** The members, by id. */
  readonly members: readonly GroupMember[];
  /** Committed offsets, by topic and partition. */
  readonly offsets: readonly PartitionOffset[];
  /** Number of the broker that coordinates it. */
  readonly coordinatorId: number;
}

/** One member. */
export interface GroupMember {
  /** Identity of the member. */
  readonly memberId: string;
  /** Static name; empty for a dynamic member. */
  readonly instanceId: string;
  /** Name of the client. */
  readonly clientId: string;
  /** Address that the member's stream comes from; empty while it has none. */
  readonly clientAddress: string;
  /** The member's epoch. */
  readonly memberEpoch: number;
  /** Topics that it wants. */
  readonly topics: readonly string[];
  /** What it owns now. */
  readonly owned: readonly TopicPartitions[];
  /** What it should own. */
  readonly target: readonly TopicPartitions[];
  /** Prefixes of names of topics that it wants. */
  readonly topicPrefixes: readonly string[];
}

/** Which group to delete. */
export interface DeleteGroupRequest {
  /** Name of the group; GROUP_NOT_FOUND when there is none. */
  readonly groupId: string;
}

/** The group is gone. */
export interface DeleteGroupResponse {
}
