import { assert, CodedError, type Timers } from "@stratalog/base";
import type { Frame, FrameKind } from "@stratalog/raft-host";
import type { ProposeOutcome, ReplicationGroup, ReplicationListener } from "../ports/raft-group.ts";

/** One replica's end of a {@link FakeRaftCluster}. */
export class FakeRaftGroup implements ReplicationGroup {
  readonly self: number;
  readonly listener: ReplicationListener;
  term = 0;
  role = "follower";
  leader: number | undefined;
  isLeaderReady = false;
  /** Index of the last frame that was delivered. */
  deliveredIndex: number;
  /** When set, the next proposals are refused so. */
  refusal: string | undefined;
  readonly #cluster: FakeRaftCluster;

  constructor(cluster: FakeRaftCluster, self: number, listener: ReplicationListener, from: number) {
    this.#cluster = cluster;
    this.self = self;
    this.listener = listener;
    this.deliveredIndex = from;
  }

  propose(proposal: { readonly kind: FrameKind; readonly payload: Uint8Array }): ProposeOutcome {
    if (this.refusal !== undefined) return { ok: false, reason: this.refusal };
    return this.#cluster.propose(this, proposal.kind, proposal.payload);
  }

  confirmLeadership(): Promise<number> {
    if (!this.#cluster.confirms(this)) {
      return Promise.reject(new CodedError("NOT_LEADER", "a newer leader exists"));
    }
    return Promise.resolve(this.#cluster.commitIndex);
  }
}

/**
 * A Raft group of several replicas whose elections, commits and losses happen when a test says so.
 * Entries commit `commitMs` after they were proposed, or on `commit()` when that is undefined.
 */
export class FakeRaftCluster {
  readonly #timers: Timers;
  readonly #commitMs: number | undefined;
  #members = new Set<FakeRaftGroup>();
  #leader: FakeRaftGroup | undefined;
  #log: Frame[] = [];
  #term = 0;
  commitIndex = 0;

  constructor(timers: Timers, options: { readonly commitMs?: number } = {}) {
    this.#timers = timers;
    this.#commitMs = options.commitMs;
  }

  /** Adds a replica, which is told what is committed after `appliedIndex`. */
  join(self: number, listener: ReplicationListener, appliedIndex: number): FakeRaftGroup {
    const group = new FakeRaftGroup(this, self, listener, appliedIndex);
    this.#members.add(group);
    return group;
  }

  /** Delivers to a replica what it has not seen; a new one calls this once it is attached. */
  deliver(group: FakeRaftGroup): void {
    const frames = this.#log.slice(group.deliveredIndex, this.commitIndex);
    group.deliveredIndex = Math.max(group.deliveredIndex, this.commitIndex);
    if (frames.length > 0) group.listener.onCommitted(frames);
    const isOwnTerm = this.#log.some(({ term, index }) => {
      return term === this.#term && index <= this.commitIndex;
    });
    if (group === this.#leader) group.isLeaderReady = isOwnTerm;
  }

  /** The replica is gone, as after a crash. */
  remove(group: FakeRaftGroup): void {
    this.#members.delete(group);
    if (this.#leader === group) this.#leader = undefined;
  }

  /** Makes a replica the leader of a new term; entries that are not committed are lost. */
  elect(group: FakeRaftGroup): void {
    assert(this.#members.has(group), "only members lead");
    this.#term += 1;
    this.#log = this.#log.slice(0, this.commitIndex);
    this.#leader = group;
    for (const member of this.#members) this.#become(member, member === group);
    this.#append("noop", new Uint8Array(0));
  }

  /** Elects a leader that the previous one does not hear of. */
  electBehind(group: FakeRaftGroup, unaware: FakeRaftGroup): void {
    this.#members.delete(unaware);
    this.elect(group);
    this.#members.add(unaware);
  }

  confirms(group: FakeRaftGroup): boolean {
    return group === this.#leader && group.isLeaderReady;
  }

  propose(group: FakeRaftGroup, kind: FrameKind, payload: Uint8Array): ProposeOutcome {
    if (group.role !== "leader") return { ok: false, reason: "not-leader" };
    // A deposed leader that does not know it takes entries that will never commit.
    if (group !== this.#leader) return { ok: true, index: this.#log.length + 1, term: group.term };
    const { index, term } = this.#append(kind, payload);
    return { ok: true, index, term };
  }

  /** Commits everything and delivers it to every replica. */
  commit(): void {
    this.commitIndex = this.#log.length;
    for (const member of this.#members) this.deliver(member);
  }

  #become(member: FakeRaftGroup, isLeader: boolean): void {
    member.term = this.#term;
    member.role = isLeader ? "leader" : "follower";
    member.leader = this.#leader?.self;
    member.isLeaderReady = false;
    member.listener.onRole({ role: member.role, term: member.term, leader: member.leader });
  }

  #append(kind: FrameKind, payload: Uint8Array): Frame {
    const frame: Frame = {
      kind,
      term: this.#term,
      index: this.#log.length + 1,
      baseOffset: 0,
      span: 0,
      payload,
      byteLength: 40 + payload.length,
    };
    this.#log.push(frame);
    if (this.#commitMs !== undefined) {
      this.#timers.after(this.#commitMs, () => {
        if (this.#log[frame.index - 1] === frame && frame.index > this.commitIndex) this.commit();
      });
    }
    return frame;
  }
}
