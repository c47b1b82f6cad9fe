import { assert, type BrokerId, CodedError, type GroupId, type MemberId } from "@stratalog/base";
import { type Member, namedPartitions } from "@stratalog/groups";
import type {
  CoordinatorMessage,
  MemberJoin,
  MemberMessage,
  MemberSession,
} from "../services/ports.ts";
import { asCoordinatorError, notCoordinator } from "./coordinator-errors.ts";
import type { AttachedSession, CoordinatorReplica } from "./coordinator-replica.ts";
import { keysByName } from "./named-keys.ts";

type MessageOf<T extends MemberMessage["type"]> = Extract<MemberMessage, { readonly type: T }>;

/** Finds the replica that coordinates a group here, or throws NOT_COORDINATOR. */
export type ReplicaFinder = (groupId: GroupId) => CoordinatorReplica;

/** Who a session is of, once it has joined. */
interface Membership {
  readonly replica: CoordinatorReplica;
  readonly groupId: GroupId;
  readonly memberId: MemberId;
}

const COMMITS_IN_FLIGHT_MAX = 64;
/** Default pause between pings: a third of the session timeout, at most this. */
const PING_MS_MAX = 3_000;

/**
 * One member's stream at its coordinator, whatever carries it.
 *
 *   new ──join──> joining ──committed──> in ──leave, fenced, moved, close──> ended
 *
 * An assignment is pushed whenever the applied state has a later revision than the last one pushed,
 * so whatever is pushed is committed, and a push that is lost with its stream is made again on the
 * next.
 */
export class CoordinatedSession implements MemberSession, AttachedSession {
  readonly #find: ReplicaFinder;
  readonly #send: (message: CoordinatorMessage) => void;
  readonly #pingIntervalMs: number;
  clientAddress = "";
  #state: "new" | "joining" | "in" | "ended" = "new";
  #membership: Membership | undefined;
  #pushedRevision = -1;
  #commitsInFlight = 0;
  #maxPollIntervalMs = Number.POSITIVE_INFINITY;

  constructor(options: {
    readonly find: ReplicaFinder;
    readonly send: (message: CoordinatorMessage) => void;
    readonly pingIntervalMs?: number;
  }) {
    this.#find = options.find;
    this.#send = options.send;
    this.#pingIntervalMs = options.pingIntervalMs ?? PING_MS_MAX;
  }

  handle(message: MemberMessage): void {
    if (this.#state === "ended") return;
    if (message.type === "join") {
      this.#handleJoin(message);
      return;
    }
    const membership = this.#membership;
    if (this.#state !== "in" || membership === undefined) {
      this.#end({ type: "fenced", error: invalid(`${message.type} before the welcome`) });
      return;
    }
    const { replica, groupId, memberId } = membership;
    replica.touch(groupId, memberId);
    switch (message.type) {
      case "ping":
        this.#handlePing(membership, message.busyMs);
        return;
      case "state":
        this.#handleState(membership, message);
        return;
      case "commit":
        this.#handleCommit(membership, message);
        return;
      case "leave":
        this.#handleLeave(membership, message);
        return;
    }
  }

  close(): void {
    this.#state = "ended";
    this.#disconnect();
  }

  onGroupChanged(): void {
    if (this.#state === "in") this.#maybePush();
  }

  onRemoved(): void {
    const error = new CodedError("UNKNOWN_MEMBER", "the member is not in the group; join again");
    this.#end({ type: "fenced", error });
  }

  onCoordinatorMoved(leader: BrokerId | undefined): void {
    const groupId = this.#membership?.groupId ?? "";
    this.#end({ type: "moved", error: notCoordinator(groupId, leader) });
  }

  #handleJoin(join: MemberJoin): void {
    if (this.#state !== "new") {
      this.#end({ type: "fenced", error: invalid("one join per stream") });
      return;
    }
    this.#state = "joining";
    this.clientAddress = join.clientAddress;
    this.#maxPollIntervalMs = join.maxPollIntervalMs ?? Number.POSITIVE_INFINITY;
    // The ids' form is checked where the message is read and again by the group's own rules.
    const groupId = join.groupId as GroupId;
    const memberId = join.memberId.toLowerCase() as MemberId;
    let replica: CoordinatorReplica;
    try {
      replica = this.#find(groupId);
    } catch (error) {
      this.#end({ type: "moved", error: CodedError.from(error) });
      return;
    }
    const membership = { replica, groupId, memberId };
    replica.machine.submit(joinCommand(membership, join)).then(
      () => this.#becomeIn(membership, join),
      (error: unknown) => this.#endBy(membership, error),
    );
  }

  #becomeIn(membership: Membership, join: MemberJoin): void {
    const { replica, groupId, memberId } = membership;
    const member = currentMember(membership);
    // The stream may have broken, or the leadership moved, between the commit and now.
    if (this.#state === "ended") return;
    if (!replica.isLeading) return this.onCoordinatorMoved(replica.leader);
    if (member === undefined) return this.onRemoved();
    this.#state = "in";
    this.#membership = membership;
    this.#send({
      type: "welcome",
      memberId: join.memberId,
      memberEpoch: member.memberEpoch,
      pingIntervalMs: Math.min(this.#pingIntervalMs, Math.floor(member.sessionTimeoutMs / 3)),
      sessionTimeoutMs: member.sessionTimeoutMs,
      coordinatorEpoch: replica.machine.role.term,
    });
    replica.connect(groupId, memberId, this);
    this.#maybePush();
  }

  /** A member that is too long at one record goes, so that others get its partitions. */
  #handlePing(membership: Membership, busyMs: number): void {
    if (busyMs < this.#maxPollIntervalMs) return;
    const { replica, groupId, memberId } = membership;
    const expiry = { type: "expire-member", reason: "poll-timeout", revision: 0 } as const;
    replica.machine
      .submit({ ...expiry, groupId, memberId })
      .catch((error: unknown) => this.#endBy(membership, error));
  }

  #handleState(membership: Membership, message: MessageOf<"state">): void {
    const { replica, groupId, memberId } = membership;
    const { memberEpoch, revision } = message;
    const group = replica.machine.state.groups.get(groupId);
    const owned = keysByName(message.owned, group, replica.topics);
    const command = { type: "report", groupId, memberId, memberEpoch, revision, owned } as const;
    replica.machine.submit(command).catch((error: unknown) => this.#endBy(membership, error));
  }

  #handleCommit(membership: Membership, message: MessageOf<"commit">): void {
    const { replica, groupId, memberId } = membership;
    const { correlation, memberEpoch, offsets } = message;
    if (this.#commitsInFlight >= COMMITS_IN_FLIGHT_MAX) {
      const text = `${COMMITS_IN_FLIGHT_MAX} commits of this member are in flight already`;
      const error = new CodedError("THROTTLED", text);
      this.#send({ type: "committed", correlation, error });
      return;
    }
    this.#commitsInFlight += 1;
    const member = { memberId, memberEpoch };
    replica.machine.submit({ type: "commit-offsets", groupId, member, offsets }).then(
      () => this.#committed({ type: "committed", correlation }),
      (error: unknown) => {
        const coded = asCoordinatorError(error, groupId, replica.leader);
        this.#committed({ type: "committed", correlation, error: coded });
      },
    );
  }

  #committed(message: CoordinatorMessage): void {
    this.#commitsInFlight -= 1;
    if (this.#state === "in") this.#send(message);
  }

  #handleLeave(membership: Membership, message: MessageOf<"leave">): void {
    const { replica, groupId, memberId } = membership;
    const isStatic = currentMember(membership)?.instanceId !== undefined;
    if (message.keepStatic && isStatic) {
      this.#end({ type: "left" });
      return;
    }
    // Its own departure is no news to it.
    this.#disconnect();
    replica.machine.submit({ type: "leave", groupId, memberId }).then(
      () => this.#end({ type: "left" }),
      (error: unknown) => this.#endBy(membership, error),
    );
  }

  #maybePush(): void {
    const membership = this.#membership;
    assert(membership !== undefined, "a member that is in has a membership");
    const member = currentMember(membership);
    if (member === undefined || member.revision <= this.#pushedRevision) return;
    this.#pushedRevision = member.revision;
    const group = membership.replica.machine.state.groups.get(membership.groupId);
    const assigned = group === undefined ? [] : namedPartitions(group, member.assigned.keys());
    const { memberEpoch, revision } = member;
    this.#send({ type: "assign", memberEpoch, revision, assigned });
  }

  /**
   * A refusal puts the member out; anything else sends it to look for its coordinator, which it may
   * find here again.
   */
  #endBy(membership: Membership, error: unknown): void {
    const { replica, groupId } = membership;
    const coded = asCoordinatorError(error, groupId, replica.leader);
    if (coded.retriable) this.#end({ type: "moved", error: coded });
    else this.#end({ type: "fenced", error: coded });
  }

  #end(last: CoordinatorMessage): void {
    if (this.#state === "ended") return;
    this.#state = "ended";
    this.#disconnect();
    this.#send(last);
  }

  #disconnect(): void {
    const membership = this.#membership;
    membership?.replica.disconnect(membership.groupId, membership.memberId, this);
  }
}

function joinCommand({ replica, groupId, memberId }: Membership, join: MemberJoin) {
  const group = replica.machine.state.groups.get(groupId);
  const owned = keysByName(join.owned, group, replica.topics);
  return {
    type: "join" as const,
    groupId,
    memberId,
    memberEpoch: join.memberEpoch,
    revision: join.revision,
    ...(join.instanceId === undefined ? {} : { instanceId: join.instanceId }),
    clientId: join.clientId,
    ...(join.rack === undefined ? {} : { rack: join.rack }),
    topics: join.topics,
    ...(join.topicPrefixes === undefined ? {} : { prefixes: join.topicPrefixes }),
    sessionTimeoutMs: join.sessionTimeoutMs,
    rebalanceTimeoutMs: join.rebalanceTimeoutMs,
    assignor: join.assignor ?? "uniform",
    owned,
  };
}

function currentMember({ replica, groupId, memberId }: Membership): Member | undefined {
  return replica.machine.state.groups.get(groupId)?.members.get(memberId);
}

function invalid(message: string): CodedError {
  return new CodedError("INVALID_REQUEST", message);
}
