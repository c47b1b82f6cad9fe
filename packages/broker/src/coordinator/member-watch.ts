import type { Clock, GroupId, Logger, MemberId, Timers } from "@stratalog/base";
import { type Group, type GroupsState, type Member, groupsByName } from "@stratalog/groups";
import { Deadlines } from "./deadlines.ts";
import type { GroupsReplica } from "./groups-machine.ts";
import { type MemberKey, memberKey, parseMemberKey } from "./member-key.ts";

/** A time-out that could not be carried out is tried again after this. */
const RETRY_MS = 1_000;

/**
 * The leader's watch over members. A member that shows no sign of life for its session timeout, or
 * does not give up for its rebalance timeout what it was told to, is removed by a command like any
 * other. When members were last heard of is known to the leader alone: a new one gives everybody a
 * whole session.
 */
export class MemberWatch {
  readonly #replica: GroupsReplica;
  readonly #logger: Logger;
  readonly #sessions: Deadlines<MemberKey>;
  readonly #rebalances: Deadlines<MemberKey>;
  /** The revision that each rebalance deadline is about. */
  readonly #revokingRevisions = new Map<MemberKey, number>();

  constructor(options: {
    readonly replica: GroupsReplica;
    readonly clock: Clock;
    readonly timers: Timers;
    readonly logger: Logger;
  }) {
    const { clock, timers } = options;
    this.#replica = options.replica;
    this.#logger = options.logger;
    const onSessionDue = (key: MemberKey): void => this.#expire(key, "session-timeout");
    const onRebalanceDue = (key: MemberKey): void => this.#expire(key, "rebalance-timeout");
    this.#sessions = new Deadlines({ clock, timers, onDue: onSessionDue });
    this.#rebalances = new Deadlines({ clock, timers, onDue: onRebalanceDue });
  }

  /** Begins with a whole session for everybody. */
  start(state: GroupsState): void {
    for (const group of groupsByName(state)) this.follow(group.groupId, group);
  }

  stop(): void {
    this.#sessions.clear();
    this.#rebalances.clear();
    this.#revokingRevisions.clear();
  }

  /** A sign of life. */
  touch(groupId: GroupId, memberId: MemberId): void {
    const member = this.#replica.state.groups.get(groupId)?.members.get(memberId);
    if (member === undefined) return;
    this.#sessions.set(memberKey(groupId, memberId), member.sessionTimeoutMs);
  }

  /** Brings the deadlines of a group in step with what it is now. */
  follow(groupId: GroupId, group: Group | undefined): void {
    for (const member of group?.members.values() ?? []) {
      const key = memberKey(groupId, member.memberId);
      if (!this.#sessions.has(key)) this.#sessions.set(key, member.sessionTimeoutMs);
      this.#followRebalance(key, member);
    }
  }

  /** A member is gone. */
  forget(groupId: GroupId, memberId: MemberId): void {
    const key = memberKey(groupId, memberId);
    this.#sessions.delete(key);
    this.#rebalances.delete(key);
    this.#revokingRevisions.delete(key);
  }

  #followRebalance(key: MemberKey, member: Member): void {
    if (member.revoking.size === 0) {
      this.#rebalances.delete(key);
      this.#revokingRevisions.delete(key);
    } else if (this.#revokingRevisions.get(key) !== member.revision) {
      this.#revokingRevisions.set(key, member.revision);
      this.#rebalances.delete(key);
      this.#rebalances.set(key, member.rebalanceTimeoutMs);
    }
  }

  #expire(key: MemberKey, reason: "session-timeout" | "rebalance-timeout"): void {
    const { groupId, memberId } = parseMemberKey(key);
    const revision = this.#revokingRevisions.get(key) ?? 0;
    const command = { type: "expire-member", groupId, memberId, reason, revision } as const;
    this.#logger.info({ groupId, memberId, reason }, "a member's time is up");
    this.#replica.submit(command).catch((error: unknown) => {
      this.#logger.debug({ groupId, memberId, error }, "a member could not be removed yet");
      if (!this.#replica.isLeader) return;
      const deadlines = reason === "session-timeout" ? this.#sessions : this.#rebalances;
      deadlines.set(key, RETRY_MS);
    });
  }
}
