import { assert, CodedError, type GroupNumber } from "@stratalog/base";
import {
  type Message,
  NO_REPLICA,
  type RaftNode,
  type RoleName,
  type Snapshot,
  type StorageAppendMessage,
  type StorageApplyMessage,
  type Want,
} from "raft-ts";
import { snapshotData } from "../core/entry-frames.ts";
import type { HostLimits } from "../core/host-limits.ts";
import { refusalReason } from "../core/refusal-reason.ts";
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
import { Delivery } from "./delivery.ts";
import { createNode } from "./create-node.ts";
import { DivergenceError } from "./frame-book.ts";
import type { GroupHost } from "./group-host.ts";
import { GroupRest } from "./group-rest.ts";
import { GroupStorage, type GroupWork } from "./group-storage.ts";
import { LogAdapter } from "./log-adapter.ts";
import type { ProposalBudget } from "./proposal-budget.ts";
import { Memberships } from "./memberships.ts";
import { ReadRequests } from "./read-requests.ts";
import { createSnapshot } from "./snapshot-source.ts";

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
  readonly state: { readonly term: number; readonly role: RoleName; readonly leader: number };
  truncatedFrom: number | undefined;
}

/**
 * One Raft group on a host. The host drives it in two steps per turn: `collect` takes what the core
 * wants done and turns it into a storage write; after the writes of all groups were handed over,
 * `finish` tells the listener and sends.
 *
 * Invariant: applied (delivered) ≤ commit; offsets are assigned only while `#ledTerm` is the core's
 * term, that is, after the turn in which this replica became leader was written, when the end of
 * the log is known.
 */
export class HostedGroup implements RaftGroup {
  readonly group: GroupNumber;
  readonly self: number;
  readonly replicas: readonly number[];
  readonly listener: GroupListener;
  readonly node: RaftNode;
  readonly view: LogView;
  readonly rest: GroupRest;
  readonly #options: HostedGroupOptions;
  readonly #adapter: LogAdapter;
  readonly #reads: ReadRequests;
  readonly #storage: GroupStorage;
  readonly #delivery: Delivery;
  readonly #memberships: Memberships;
  #turn: Turn | undefined;
  #isInstalling = false;
  #failure: string | undefined;
  #role: RoleName = "follower";
  #term = 0;
  #leader = NO_REPLICA;
  /** Term in which this replica leads and may assign offsets; 0 otherwise. */
  #ledTerm = 0;
  #nextOffset = 0;

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
    this.rest = new GroupRest({
      self,
      node: this.node,
      storage: this.#storage,
      memberships: this.#memberships,
      isAbsent: (replica) => options.host.isAbsent(replica),
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
    return this.#leads() ? this.#nextOffset : this.view.nextOffset;
  }

  get isLeaderReady(): boolean {
    return this.#leads() && this.#delivery.term === this.#ledTerm;
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Writes that are under way. */
  get pendingWriteCount(): number {
    return this.#storage.pendingCount;
  }

  propose(proposal: Proposal): ProposalResult {
    if (!this.#leads()) return { ok: false, reason: "not-leader" };
    const { codec, budget } = this.#options;
    const { kind, payload, span } = proposal;
    assert((kind === "data") === span > 0, `${kind} of span ${span}`);
    const [term, index, baseOffset] = [this.#ledTerm, this.node.lastIndex + 1, this.#nextOffset];
    const frame = codec.create({ kind, term, index, baseOffset, span, payload });
    if (!budget.hasRoom(frame.byteLength)) return { ok: false, reason: "overloaded" };
    const result = this.node.propose(frame);
    if (!result.accepted) return { ok: false, reason: refusalReason(result.reason) };
    assert(result.index === index && result.term === term, "a proposal took another position");
    budget.open(this.group, frame.byteLength);
    this.#nextOffset += span;
    this.#options.host.markDirty(this);
    return { ok: true, index, term, baseOffset };
  }

  confirmLeadership(): Promise<number> {
    if (!this.#leads()) {
      const message = `this broker does not lead group ${this.group}; ask its leader`;
      return Promise.reject(new CodedError("NOT_LEADER", message));
    }
    this.#options.host.markDirty(this);
    return this.#reads.add((context) => this.node.readIndex(context).accepted);
  }

  transferLeadership(to: number): void {
    if (!this.#leads()) return;
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
      const { term, role, leader } = this.node;
      const state = { term, role, leader };
      this.#turn = { messages, wants, append, state, truncatedFrom: undefined };
      if (append?.snapshot !== undefined && !this.#install(append.snapshot)) return undefined;
    }
    try {
      const work = this.#storage.work(this.#turn.append);
      this.#turn.truncatedFrom = work.truncatedFrom;
      return work;
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      this.fail(`the log diverges: ${error.message}`);
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
      if (message.type === "storage-apply") this.#apply(message);
      else if (message.type !== "storage-append") this.deliver(message);
    }
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
        message.type === "append"
          ? message.entries.map((entry) => this.#storage.frameOf(entry))
          : NO_FRAMES;
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

  /** Stops this replica: it neither votes, leads nor acknowledges any more. */
  fail(reason: string): void {
    if (this.#failure !== undefined) return;
    this.#failure = reason;
    this.close();
    this.#options.host.onFailed(this, reason);
  }

  /** Nobody will be answered any more. */
  close(): void {
    this.#ledTerm = 0;
    this.#options.budget.close(this.group);
    this.#reads.rejectAll();
  }

  #leads(): boolean {
    const { node } = this;
    return this.#ledTerm !== 0 && node.term === this.#ledTerm && node.role === "leader";
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
      (error: unknown) => this.fail(`the snapshot could not be stored: ${String(error)}`),
    );
    return false;
  }

  #tellRole({ term, role, leader }: Turn["state"]): void {
    if (this.#term === term && this.#role === role && this.#leader === leader) return;
    if (this.#role !== role) this.#options.host.onRole(this.#role, role);
    this.#term = term;
    this.#role = role;
    this.#leader = leader;
    if (role === "leader") {
      if (this.#ledTerm !== term) this.#beginTerm(term);
    } else if (this.#ledTerm !== 0) {
      this.close();
    }
    this.listener.onRole({ role, term, leader: this.leader });
  }

  #beginTerm(term: number): void {
    this.close();
    this.#ledTerm = term;
    this.#nextOffset = this.view.nextOffset;
  }

  #apply(message: StorageApplyMessage): void {
    let frames: Frame[] = [];
    const tell = (): void => {
      const committed = frames;
      frames = [];
      if (committed.length > 0) this.listener.onCommitted(committed);
    };
    for (const entry of message.entries) {
      if (entry.index > this.#delivery.index) {
        const frame = this.#storage.frameOf(entry);
        this.#delivery.take(frame);
        if (frame.term === this.#ledTerm) this.#options.budget.settle(this.group, frame.byteLength);
        frames.push(frame);
      }
      if (entry.type !== "conf-change") continue;
      // A new member may want a snapshot at once: the listener must be where the delivery is.
      tell();
      const confState = this.node.applyConfChange(entry.change);
      this.#memberships.add(entry.index, confState);
      this.listener.onMembership?.({ confState, index: entry.index });
    }
    tell();
    for (const response of message.responses) this.deliver(response);
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
