import { assert, CodedError, type GroupNumber } from "@stratalog/base";
import {
  type Message,
  NO_REPLICA,
  type RaftNode,
  type RoleName,
  type Snapshot,
  type StorageAppendMessage,
  type Want,
} from "raft-ts";
import { snapshotData } from "../core/entry-frames.ts";
import type { HostLimits } from "../core/host-limits.ts";
import { isRaftWireMessage, NO_FRAMES } from "../core/wire-message.ts";
import type { Frame, FrameCodec } from "../ports/frame.ts";
import type { GroupWrite, LogView } from "../ports/log-storage.ts";
import type {
  AddGroupOptions,
  GroupListener,
  GroupStatus,
  Proposal,
  ProposalResult,
  RaftGroup,
} from "../ports/raft-group.ts";
import { Applier } from "./applier.ts";
import { Delivery } from "./delivery.ts";
import { createNode } from "./create-node.ts";
import { DivergenceError } from "./frame-book.ts";
import type { GroupHost } from "./group-host.ts";
import type { GroupFailure } from "./host-options.ts";
import { GroupRest } from "./group-rest.ts";
import { GroupStorage, type GroupWork } from "./group-storage.ts";
import { Leadership } from "./leadership.ts";
import { LogAdapter } from "./log-adapter.ts";
import type { ProposalBudget } from "./proposal-budget.ts";
import { Memberships } from "./memberships.ts";
import { ReadRequests } from "./read-requests.ts";
import { createSnapshot } from "./snapshot-source.ts";
import { StoppedPeers } from "./stopped-peers.ts";

/** What a hosted group is made with. */
export interface HostedGroupOptions extends AddGroupOptions {
  readonly host: GroupHost;
  readonly view: LogView;
  readonly codec: FrameCodec;
  readonly limits: HostLimits;
  readonly budget: ProposalBudget;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly random: (bound: number) => number;
}

interface Turn {
  readonly messages: readonly Message[];
  readonly wants: readonly Want[];
  readonly append: StorageAppendMessage | undefined;
  /**
   * As of when the core handed this out: it may have moved on while a snapshot was being stored.
   */
  readonly state: {
    readonly term: number;
    readonly role: RoleName;
    readonly leader: number;
    readonly commitIndex: number;
  };
  truncatedFrom: number | undefined;
}

/**
 * One Raft group on a host. The host drives it in two steps per turn: `collect` takes what the core
 * wants done and turns it into a storage write; after the writes of all groups were handed over,
 * `finish` tells the listener and sends.
 *
 * Invariant: applied (delivered) ≤ commit; offsets are assigned only by a leadership that is held.
 */
export class HostedGroup implements RaftGroup {
  readonly group: GroupNumber;
  readonly self: number;
  readonly replicas: readonly number[];
  readonly listener: GroupListener;
  readonly node: RaftNode;
  readonly view: LogView;
  readonly rest: GroupRest;
  readonly stoppedPeers = new StoppedPeers();
  readonly #options: HostedGroupOptions;
  readonly #adapter: LogAdapter;
  readonly #reads: ReadRequests;
  readonly #storage: GroupStorage;
  readonly #delivery: Delivery;
  readonly #memberships: Memberships;
  readonly #leadership: Leadership;
  readonly #applier: Applier;
  #turn: Turn | undefined;
  #isInstalling = false;
  #failure: string | undefined;
  #role: RoleName = "follower";
  #term = 0;
  #leader = NO_REPLICA;
  #toldCommitIndex = 0;

  constructor(options: HostedGroupOptions) {
    const { group, self, replicas, listener, view, codec, limits, appliedIndex } = options;
    this.#options = options;
    this.group = group;
    this.self = self;
    this.replicas = replicas;
    this.listener = listener;
    this.view = view;
    this.#reads = new ReadRequests(limits.readCountMax);
    this.#delivery = new Delivery(appliedIndex);
    assert(
      appliedIndex >= view.firstIndex - 1,
      `group ${group}: entries ${appliedIndex + 1} to ${view.firstIndex - 1} are gone unapplied`,
    );
    const voters = { voters: replicas, learners: [], votersOutgoing: [], learnersNext: [] };
    const confState = options.confState ?? { ...voters, autoLeave: false };
    this.#memberships = new Memberships(appliedIndex, confState);
    const snapshot = (): Snapshot | "pending" => this.#createSnapshot();
    this.#adapter = new LogAdapter({ view, confState, appliedIndex, snapshot });
    this.#storage = new GroupStorage({ group, view, codec, adapter: this.#adapter });
    this.node = createNode(options, this.#adapter);
    const { node } = this;
    const { budget } = options;
    this.#leadership = new Leadership({ group, node, view, codec, budget });
    this.#applier = new Applier({
      node,
      listener,
      storage: this.#storage,
      delivery: this.#delivery,
      memberships: this.#memberships,
      membershipIndex: appliedIndex,
      onDelivered: (frame) => this.#leadership.settle(frame),
    });
    this.rest = new GroupRest({
      self,
      node: this.node,
      storage: this.#storage,
      memberships: this.#memberships,
      isAbsent: (id) => options.host.isAbsent(id) || this.stoppedPeers.has(id),
    });
    this.#term = this.node.term;
  }

  /**
   * Of the same moment as `role` and `leader`: the core may have entered a later term in this turn,
   * and the old role with the new term would name two leaders for one term.
   */
  get term(): number {
    return this.#term;
  }

  get role(): RoleName {
    return this.#role;
  }

  get leader(): number | undefined {
    return this.#leader === NO_REPLICA ? undefined : this.#leader;
  }

  get commitIndex(): number {
    return this.node.commitIndex;
  }

  get lastIndex(): number {
    return this.node.lastIndex;
  }

  get nextOffset(): number {
    return this.#leadership.isHeld ? this.#leadership.nextOffset : this.view.nextOffset;
  }

  get isLeaderReady(): boolean {
    return this.#leadership.isHeld && this.#delivery.term === this.#leadership.term;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Writes that are under way. */
  get pendingWriteCount(): number {
    return this.#storage.pendingCount;
  }

  propose(proposal: Proposal): ProposalResult {
    const result = this.#leadership.propose(proposal);
    if (result.ok) this.#options.host.markDirty(this);
    return result;
  }

  confirmLeadership(): Promise<number> {
    if (!this.#leadership.isHeld) {
      const message = `this broker does not lead group ${this.group}; ask its leader`;
      return Promise.reject(new CodedError("NOT_LEADER", message));
    }
    this.#options.host.markDirty(this);
    return this.#reads.add((context) => this.node.readIndex(context).accepted);
  }

  transferLeadership(to: number): void {
    if (!this.#leadership.isHeld) return;
    this.node.transferLeadership(to);
    this.#options.host.markDirty(this);
  }

  status(): GroupStatus {
    return {
      ...this.node.status(),
      group: this.group,
      nextOffset: this.nextOffset,
      durableIndex: this.#storage.durableIndex,
      failure: this.#failure,
      stoppedReplicas: this.stoppedPeers.list(),
    };
  }

  /** First step of a turn: what is to be stored. Undefined when there is nothing to do. */
  collect(): GroupWork | undefined {
    if (this.#failure !== undefined || this.#isInstalling) return undefined;
    this.#reads.endTurn();
    if (this.#turn === undefined) {
      if (!this.node.hasReady()) return undefined;
      const ready = this.node.ready();
      for (const state of ready.readStates) this.#reads.confirm(state);
      const append = ready.messages.find((message) => message.type === "storage-append");
      const { messages, wants } = ready;
      const { term, role, leader, commitIndex } = this.node;
      const state = { term, role, leader, commitIndex };
      this.#turn = { messages, wants, append, state, truncatedFrom: undefined };
      if (append?.snapshot !== undefined && !this.#install(append.snapshot)) return undefined;
    }
    try {
      const work = this.#storage.work(this.#turn.append);
      this.#turn.truncatedFrom = work.truncatedFrom;
      return work;
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      this.fail({ reason: `the log diverges: ${error.message}`, isDamaged: true });
      return undefined;
    }
  }

  /** Second step of a turn, after the writes were handed to the storage and are visible. */
  finish(): void {
    const turn = this.#turn;
    if (turn === undefined || this.#isInstalling || this.#failure !== undefined) return;
    this.#turn = undefined;
    this.#tellRole(turn.state);
    if (turn.truncatedFrom !== undefined) this.listener.onTruncated?.(turn.truncatedFrom);
    for (const message of turn.messages) {
      if (message.type === "storage-apply") {
        this.#applier.apply(message);
        for (const response of message.responses) this.deliver(response);
      } else if (message.type !== "storage-append") {
        this.deliver(message);
      }
    }
    this.#tellCommit(turn.state);
    this.#reads.release(this.#delivery.index);
    for (const want of turn.wants) this.#options.host.fetch(this, want);
    if (this.node.hasReady()) this.#options.host.markDirty(this);
  }

  /** A write of this group is durable. */
  completeWrite(): void {
    if (this.#storage.complete()) this.listener.onDurable?.(this.#storage.durableIndex);
  }

  /** Passes on a message of the core: to another replica, or back to itself. */
  deliver(message: Message): void {
    if (this.#failure !== undefined) return;
    const { host } = this.#options;
    if (message.to === this.self) {
      this.node.step(message);
      host.markDirty(this);
    } else if (message.type === "snapshot") {
      host.sendSnapshot(this.group, message);
    } else {
      assert(isRaftWireMessage(message), `a ${message.type} message has no way out of this host`);
      const frames =
        message.type === "append" ? this.#storage.framesOf(message.entries) : NO_FRAMES;
      if (frames === undefined) return;
      if (message.type === "pre-vote-response" && message.reject) host.onCandidateRefused(this);
      const rests = this.rest.restsWith(message);
      host.send(message.to, { group: this.group, message, frames, ...(rests && { rests }) });
      if (rests && message.type === "heartbeat-response") host.follow(this);
    }
  }

  /** The commit hint that is not stored yet, as a write that nobody waits for. */
  takeHint(): GroupWrite | undefined {
    return this.#failure === undefined ? this.#storage.takeHint() : undefined;
  }

  /** Frames that a want asked for were read. */
  acceptFetched(reader: Want["for"], frames: readonly Frame[] | "compacted"): void {
    if (this.#failure !== undefined) return;
    const current = frames === "compacted" ? [] : frames.filter((frame) => this.#isCurrent(frame));
    // A truncation during the read leaves a prefix that is still true, or nothing.
    if (current.length > 0 && current.length === frames.length) this.#adapter.keep(reader, current);
    this.node.entriesAvailable(reader);
    this.#options.host.markDirty(this);
  }

  /** Stops this replica: it neither votes, leads nor acknowledges any more, and says so. */
  fail(failure: GroupFailure): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure.reason;
    this.#tellRole({ term: this.#term, role: "follower", leader: NO_REPLICA });
    this.close();
    this.#options.host.onFailed(this, failure);
  }

  /** Nobody will be answered any more. */
  close(): void {
    this.#leadership.end();
    this.#reads.rejectAll();
  }

  #isCurrent(frame: Frame): boolean {
    return frame.index <= this.view.lastIndex && this.view.term(frame.index) === frame.term;
  }

  /** Hands a snapshot to the listener; false while the listener stores it. */
  #install(snapshot: Snapshot): boolean {
    const { index, term } = snapshot;
    const { bytes, nextOffset } = snapshotData(snapshot.data);
    if (index <= this.#delivery.index) return true;
    const stored = this.listener.onSnapshot?.({ index, term, data: bytes, nextOffset });
    this.#delivery.jump({ index, term, nextOffset });
    this.#memberships.reset(index, snapshot.confState);
    if (!(stored instanceof Promise)) return true;
    this.#isInstalling = true;
    stored.then(
      () => {
        this.#isInstalling = false;
        this.#options.host.markDirty(this);
      },
      (error: unknown) => {
        const reason = `the snapshot could not be stored: ${String(error)}`;
        this.fail({ reason, isDamaged: false });
      },
    );
    return false;
  }

  /** What others have made durable before this leader has: it is committed, and not applied yet. */
  #tellCommit({ term, role, commitIndex }: Turn["state"]): void {
    if (role !== "leader" || commitIndex <= this.#delivery.index) return;
    if (commitIndex === this.#toldCommitIndex) return;
    this.#toldCommitIndex = commitIndex;
    this.listener.onCommitIndex?.(commitIndex, term);
  }

  #tellRole({ term, role, leader }: Omit<Turn["state"], "commitIndex">): void {
    if (this.#term === term && this.#role === role && this.#leader === leader) return;
    if (this.#role !== role) this.#options.host.onRole(this.#role, role);
    this.#term = term;
    this.#role = role;
    this.#leader = leader;
    if (role === "leader") {
      if (this.#leadership.term !== term) this.#beginTerm(term);
    } else if (this.#leadership.term !== 0) {
      this.close();
    }
    this.listener.onRole({ role, term, leader: this.leader });
  }

  #beginTerm(term: number): void {
    this.close();
    this.#leadership.begin(term);
  }

  #createSnapshot(): Snapshot | "pending" {
    const { view, listener } = this;
    return createSnapshot({
      view,
      listener,
      log: this.#adapter,
      delivery: this.#delivery,
      memberships: this.#memberships,
      fetchFirst: (index) => {
        const want = { for: this.self, from: index, to: index + 1, maxBytes: 1 };
        this.#options.host.fetch(this, want);
      },
    });
  }
}
