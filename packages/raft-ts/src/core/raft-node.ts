import { maybeCampaign, usualCampaign } from "./election.ts";
import type { StepOutcome } from "./follower.ts";
import { handleSnapshotOutcome, handleUnreachable, startTransfer } from "./leader.ts";
import { isMember } from "./membership/configuration.ts";
import { applyConfChange } from "./membership/reconfigure.ts";
import type { Message } from "./messages.ts";
import { type RaftOptions, resolveOptions } from "./options.ts";
import { type EntryDraft, proposeAsLeader, type ProposeResult } from "./proposals.ts";
import { stepReplica, tickReplica } from "./raft-core.ts";
import { handleReadRequest, type ReadIndexResult } from "./read-index.ts";
import { ReadyAssembly } from "./ready-assembly.ts";
import type { Ready } from "./ready.ts";
import { ReplicaState } from "./replica-state.ts";
import { retryPendingReads } from "./replication.ts";
import type { BasicStatus, Status } from "./status.ts";
import { isSettled } from "./settled.ts";
import { basicStatusOf, statusOf } from "./status-of.ts";
import { becomeFollower } from "./transitions.ts";
import {
  APPEND_WORKER,
  APPLY_WORKER,
  type ConfChange,
  type ConfState,
  type EntryData,
  NO_REPLICA,
  type ReadContext,
  type ReplicaId,
  type RoleName,
} from "./types.ts";

/**
 * What became of a stepped message. `taken` covers messages that had no effect, as stale ones have
 * none. The rest may be logged and is otherwise nobody's business: a proposal that was not taken,
 * an answer from a replica that is no member, or a message that belongs to a local worker and came
 * from somebody else.
 */
export type StepResult = StepOutcome | "unknown-sender" | "not-a-peer-message";

/**
 * One replica of one Raft group: a deterministic state machine without I/O, clock or randomness of
 * its own. Inputs are the methods below; what they cause is taken with `ready()`.
 *
 * When which call is legal:
 * - `ready()` hands out work and counts it as accepted. In synchronous mode at most one Ready is
 *   out: `advance(ready)` must come before the next `ready()`. In asynchronous mode `advance` is
 *   never called; any number of Readies may be out, and their storage messages must be carried out
 *   in order.
 * - `applyConfChange(change)` must be called for each committed configuration entry while it is
 *   applied, so before `advance` or before the response of the storage-apply message that carried
 *   it is stepped.
 * - Everything else may be called at any time, also between `ready()` and `advance()`; one call at
 *   a time, since there is no thread here.
 */
export class RaftNode {
  readonly #state: ReplicaState;
  readonly #assembly: ReadyAssembly;

  /**
   * Starts as a follower with what the storage remembers. Throws `RangeError` on options that
   * cannot work.
   */
  constructor(options: RaftOptions) {
    this.#state = new ReplicaState(resolveOptions(options));
    becomeFollower(this.#state, this.#state.term, NO_REPLICA);
    this.#assembly = new ReadyAssembly(this.#state);
  }

  /** One step of logical time. */
  tick(): void {
    tickReplica(this.#state);
  }

  /**
   * Starts an election now (a pre-vote first, where that is on), unless this replica leads, may not
   * be elected, or has configuration entries committed and not applied. `force` skips the pre-vote
   * and overrides the lease of a live leader; meant for an operator or for a transfer that the old
   * leader asked for. Whether it campaigns.
   */
  campaign(options?: { readonly force?: boolean }): boolean {
    const kind = options?.force === true ? "forced" : usualCampaign(this.#state);
    return maybeCampaign(this.#state, kind);
  }

  /**
   * A follower stops believing in its leader: it may grant a vote to another now. Everyone else
   * ignores it, and so does everyone with lease reads, which rest on that belief. Whether it was
   * ignored for the lease.
   */
  forgetLeader(): "done" | "ignored-for-lease" {
    const state = this.#state;
    if (state.role.name !== "follower") return "done";
    if (state.options.readMode === "lease") return "ignored-for-lease";
    state.leader = NO_REPLICA;
    return "done";
  }

  /**
   * Asks the leader, wherever it is, to hand over to `to`. Ends by itself after an election
   * timeout.
   */
  transferLeadership(to: ReplicaId): void {
    const { role } = this.#state;
    if (role.name === "leader") startTransfer(this.#state, role, to);
    else this.step({ type: "transfer-leader", from: to, to: this.#state.id, term: 0 });
  }

  /**
   * Asks for an index at which a read is linearizable; the answer comes in `Ready.readStates`, or
   * never.
   */
  readIndex(context: ReadContext): ReadIndexResult {
    const state = this.#state;
    const { id: from, role, leader } = state;
    if (role.name === "leader") return handleReadRequest(state, role, { from, context });
    if (leader === NO_REPLICA) return { accepted: false, reason: "no-leader" };
    state.send({ type: "read-index", from, to: leader, term: 0, context });
    return { accepted: true };
  }

  /**
   * Appends one entry on the leader. The index and term in the answer are final if the entry is
   * ever committed.
   */
  propose(data: EntryData): ProposeResult {
    return this.#propose([{ type: "normal", data }]);
  }

  /** The same for several entries, all or none of them; the answer names the last one. */
  proposeBatch(data: readonly EntryData[]): ProposeResult {
    if (data.length === 0) throw new RangeError("a batch of proposals must not be empty");
    return this.#propose(data.map((one) => ({ type: "normal", data: one })));
  }

  /**
   * Proposes a configuration change. A change that may not start now (one is unapplied, or it does
   * not fit the current configuration) is accepted as an empty normal entry instead; the answer
   * says so in `refusedChange`.
   */
  proposeConfChange(change: ConfChange): ProposeResult {
    return this.#propose([{ type: "conf-change", change }]);
  }

  /**
   * Makes a committed change effective and returns the resulting configuration, to be stored with
   * the applied index.
   */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#state, change);
  }

  /** Takes a message from the network, or a response from a local worker. */
  step(message: Message): StepResult {
    switch (message.type) {
      case "storage-append":
      case "storage-apply":
        return "not-a-peer-message";
      case "storage-append-response":
        if (message.from !== APPEND_WORKER) return "not-a-peer-message";
        break;
      case "storage-apply-response":
        if (message.from !== APPLY_WORKER) return "not-a-peer-message";
        break;
      case "append-response":
      case "heartbeat-response":
      case "vote-response":
      case "pre-vote-response":
      case "read-index-response":
        if (!isMember(this.#state.confState, message.from)) return "unknown-sender";
        break;
      case "append":
      case "heartbeat":
      case "snapshot":
      case "vote-request":
      case "pre-vote-request":
      case "propose":
      case "transfer-leader":
      case "timeout-now":
      case "read-index":
        break;
    }
    return stepReplica(this.#state, message);
  }

  /** Whether `ready()` would hold anything. Cheap; ask it after every input. */
  hasReady(): boolean {
    return this.#assembly.hasReady();
  }

  /** Takes the work that has gathered. */
  ready(): Ready {
    return this.#assembly.take();
  }

  /** Synchronous mode: everything in the Ready that is out was done. */
  advance(_ready: Ready): void {
    for (const message of this.#assembly.takeStepsOnAdvance()) {
      stepReplica(this.#state, message);
    }
  }

  /** The transport lost a message to `peer`: probe it instead of streaming. */
  reportUnreachable(peer: ReplicaId): void {
    const { role } = this.#state;
    if (role.name === "leader") handleUnreachable(role, peer);
  }

  /**
   * How sending a snapshot to `peer` ended. Must be called when a snapshot could not be delivered.
   */
  reportSnapshot(peer: ReplicaId, outcome: "delivered" | "failed"): void {
    const { role } = this.#state;
    if (role.name === "leader") handleSnapshotOutcome(role, peer, outcome);
  }

  /**
   * Entries that `Ready.wants` asked for are in memory now. Needless and stale calls are harmless.
   */
  entriesAvailable(reader: ReplicaId | "apply"): void {
    const state = this.#state;
    if (reader === "apply") state.log.applyIsPending = false;
    else if (state.role.name === "leader") retryPendingReads(state, state.role, reader);
  }

  /**
   * Whether this replica has nothing to do but to hear that its leader lives, or, leading, to say
   * so. `isAbsent` names members that need not have everything for that; default none.
   */
  isSettled(isAbsent: (peer: ReplicaId) => boolean = () => false): boolean {
    return isSettled(this.#state, isAbsent);
  }

  /** Allocates nothing but the answer. */
  basicStatus(): BasicStatus {
    return basicStatusOf(this.#state);
  }

  /** The whole state, for people and metrics; not for the hot path. */
  status(): Status {
    return statusOf(this.#state);
  }

  get id(): ReplicaId {
    return this.#state.id;
  }

  get term(): number {
    return this.#state.term;
  }

  get role(): RoleName {
    return this.#state.role.name;
  }

  /** Known leader of the term; `NO_REPLICA` for none. */
  get leader(): ReplicaId {
    return this.#state.leader;
  }

  get commitIndex(): number {
    return this.#state.log.committed;
  }

  get appliedIndex(): number {
    return this.#state.log.applied;
  }

  /**
   * Index of the last entry, durable or not. On a leader the next proposal gets the index after it.
   */
  get lastIndex(): number {
    return this.#state.log.lastIndex;
  }

  /**
   * Integrator only, unstable: replaces the random election timeout until the next change of term
   * or role.
   */
  setRandomizedElectionTimeout(ticks: number): void {
    this.#state.randomizedElectionTicks = ticks;
  }

  #propose(drafts: readonly EntryDraft[]): ProposeResult {
    const state = this.#state;
    const { role } = state;
    if (role.name === "leader") return proposeAsLeader(state, role, drafts);
    if (role.name !== "follower" || state.leader === NO_REPLICA) {
      return { accepted: false, reason: "no-leader" };
    }
    if (state.options.disableProposalForwarding) return { accepted: false, reason: "not-leader" };
    state.send({
      type: "propose",
      from: state.id,
      to: state.leader,
      term: 0,
      // The leader assigns the positions.
      entries: drafts.map((draft) => ({ ...draft, index: 0, term: 0 })),
    });
    return { accepted: true, index: undefined, term: undefined };
  }
}
