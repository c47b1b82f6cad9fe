import type { RaftNode } from "raft-ts";
import type { RaftWireMessage } from "../core/wire-message.ts";
import type { GroupStorage } from "./group-storage.ts";
import type { Memberships } from "./memberships.ts";

/** What one group's rest depends on. */
export interface GroupRestOptions {
  readonly self: number;
  readonly node: RaftNode;
  readonly storage: GroupStorage;
  readonly memberships: Memberships;
  /** A replica whose host cannot be sent to. */
  readonly isAbsent: (replica: number) => boolean;
}

/**
 * How far one group is on its way to rest. A leader that has nothing to do asks its followers with
 * each heartbeat to rest; a follower that has nothing to do either agrees in its answer and rests;
 * once all that can be reached agreed, the leader rests too.
 */
export class GroupRest {
  readonly #options: GroupRestOptions;
  /** No ticks and no heartbeats of its own: the hosts' beats stand for them. */
  isResting = false;
  /** Leading: who agreed since something last went on. */
  #agreed: number[] = [];
  #isAsked = false;

  constructor(options: GroupRestOptions) {
    this.#options = options;
  }

  /** Nothing is under way here, nor, leading, at the followers that can be reached. */
  get isSettled(): boolean {
    const { node, storage, isAbsent } = this.#options;
    return storage.isIdle && !node.hasReady() && node.isSettled(isAbsent);
  }

  /** A leader without other members has nothing to wait for once nothing is under way. */
  get mayRestAlone(): boolean {
    const { self, node, memberships } = this.#options;
    const { voters, learners, votersOutgoing } = memberships.current;
    if (voters.length !== 1 || voters[0] !== self) return false;
    if (learners.length > 0 || votersOutgoing.length > 0) return false;
    return node.role === "leader" && this.isSettled;
  }

  /** The leader of this replica asks it to rest. */
  ask(): void {
    this.#isAsked = true;
  }

  /** Whether a message that is about to leave asks to rest, or agrees to. */
  restsWith({ type, to }: RaftWireMessage): boolean {
    if (type === "append") this.#agreed = [];
    if (type === "heartbeat") return this.isSettled;
    if (type !== "heartbeat-response") return false;
    const isAsked = this.#isAsked && to === this.#options.node.leader;
    this.#isAsked = false;
    return isAsked && this.isSettled;
  }

  /**
   * A follower agreed. Answers with the followers to rest with once all that can be reached agreed,
   * and undefined until then. Never rests without a majority of the voters.
   */
  agree(follower: number): readonly number[] | undefined {
    const { self, node, memberships, isAbsent } = this.#options;
    if (node.role !== "leader" || !this.isSettled) {
      this.#agreed = [];
      return undefined;
    }
    if (!this.#agreed.includes(follower)) this.#agreed.push(follower);
    const { voters, learners } = memberships.current;
    const reached = [...voters, ...learners].filter((id) => id !== self && !isAbsent(id));
    if (!reached.every((id) => this.#agreed.includes(id))) return undefined;
    const votes = voters.filter((id) => id === self || reached.includes(id)).length;
    return votes * 2 > voters.length ? reached : undefined;
  }

  /** Something happens. */
  end(): void {
    this.isResting = false;
    this.#agreed = [];
    this.#isAsked = false;
  }

  /** All members but this replica. */
  get others(): readonly number[] {
    const { voters, learners } = this.#options.memberships.current;
    return [...voters, ...learners].filter((id) => id !== this.#options.self);
  }
}
