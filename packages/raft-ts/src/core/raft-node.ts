import type { Message } from "./messages.ts";
import { type RaftOptions, resolveOptions } from "./options.ts";
import type { Ready } from "./ready.ts";
import type { BasicStatus, Status } from "./status.ts";
import type {
  ConfChange,
  ConfState,
  EntryData,
  ReadContext,
  ReplicaId,
  RoleName,
} from "./types.ts";

/**
 * What became of a proposal. `accepted` means taken into this leader's log, or sent to the leader (then without an
 * index), not committed: a later leader may still drop it.
 */
export type ProposeResult =
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: true; readonly index: undefined; readonly term: undefined }
  | {
      readonly accepted: false;
      readonly reason: "no-leader" | "not-leader" | "transferring" | "too-many-bytes" | "removed";
    };

/** What became of a read request; `accepted` means that a `ReadState` or nothing will follow. */
export type ReadIndexResult =
  | { readonly accepted: true }
  | { readonly accepted: false; readonly reason: "no-leader" };

/**
 * One replica of one Raft group: a deterministic state machine without I/O, clock or randomness of its own. Inputs are
 * the methods below; what they cause is taken with `ready()`.
 *
 * When which call is legal:
 * - `ready()` hands out work and counts it as accepted. In synchronous mode at most one Ready is out: `advance(ready)`
 *   must come before the next `ready()`. In asynchronous mode `advance` is never called; any number of Readies may be
 *   out, and their storage messages must be carried out in order.
 * - `applyConfChange(change)` must be called for each committed configuration entry while it is applied, so before
 *   `advance` or before the response of the storage-apply message that carried it is stepped.
 * - Everything else may be called at any time, also between `ready()` and `advance()`; one call at a time, since there
 *   is no thread here.
 */
export class RaftNode {
  constructor(options: RaftOptions) {
    resolveOptions(options);
    throw new Error("not built yet");
  }

  /** One step of logical time. */
  tick(): void {
    throw new Error("not built yet");
  }

  /**
   * Starts an election now (a pre-vote first, where that is on), unless this replica leads, may not be elected, or has
   * configuration entries committed and not applied. `force` skips the pre-vote and overrides the lease of a live
   * leader; meant for an operator or for a transfer that the old leader asked for.
   */
  campaign(_options?: { readonly force?: boolean }): void {
    throw new Error("not built yet");
  }

  /** A follower stops believing in its leader: it may grant a pre-vote now. Everyone else ignores it. */
  forgetLeader(): void {
    throw new Error("not built yet");
  }

  /** Asks the leader, wherever it is, to hand over to `to`. Ends by itself after an election timeout. */
  transferLeadership(_to: ReplicaId): void {
    throw new Error("not built yet");
  }

  /** Asks for an index at which a read is linearizable; the answer comes in `Ready.readStates`, or never. */
  readIndex(_context: ReadContext): ReadIndexResult {
    throw new Error("not built yet");
  }

  /** Appends one entry on the leader. The index and term in the answer are final if the entry is ever committed. */
  propose(_data: EntryData): ProposeResult {
    throw new Error("not built yet");
  }

  /** The same for several entries, all or none of them; the answer names the last one. */
  proposeBatch(_data: readonly EntryData[]): ProposeResult {
    throw new Error("not built yet");
  }

  /**
   * Proposes a configuration change. A change that may not start now (one is unapplied, or it does not fit the current
   * configuration) is accepted as an empty normal entry instead, and that entry is the answer.
   */
  proposeConfChange(_change: ConfChange): ProposeResult {
    throw new Error("not built yet");
  }

  /** Makes a committed change effective and returns the resulting configuration, to be stored with the applied index. */
  applyConfChange(_change: ConfChange): ConfState {
    throw new Error("not built yet");
  }

  /** Takes a message from the network or from a local worker. Local message types from the network are refused. */
  step(_message: Message): void {
    throw new Error("not built yet");
  }

  /** Whether `ready()` would hold anything. Cheap; ask it after every input. */
  hasReady(): boolean {
    throw new Error("not built yet");
  }

  /** Takes the work that has gathered. */
  ready(): Ready {
    throw new Error("not built yet");
  }

  /** Synchronous mode: everything in `ready` was done. */
  advance(_ready: Ready): void {
    throw new Error("not built yet");
  }

  /** The transport lost a message to `peer`: probe it instead of streaming. */
  reportUnreachable(_peer: ReplicaId): void {
    throw new Error("not built yet");
  }

  /** How sending a snapshot to `peer` ended. Must be called when a snapshot could not be delivered. */
  reportSnapshot(_peer: ReplicaId, _outcome: "delivered" | "failed"): void {
    throw new Error("not built yet");
  }

  /** Entries that `Ready.wants` asked for are in memory now. Needless and stale calls are harmless. */
  entriesAvailable(_reader: ReplicaId | "apply"): void {
    throw new Error("not built yet");
  }

  /** Allocates nothing but the answer. */
  basicStatus(): BasicStatus {
    throw new Error("not built yet");
  }

  /** The whole state, for people and metrics; not for the hot path. */
  status(): Status {
    throw new Error("not built yet");
  }

  get id(): ReplicaId {
    throw new Error("not built yet");
  }

  get term(): number {
    throw new Error("not built yet");
  }

  get role(): RoleName {
    throw new Error("not built yet");
  }

  /** Known leader of the term; `NO_REPLICA` for none. */
  get leader(): ReplicaId {
    throw new Error("not built yet");
  }

  get commitIndex(): number {
    throw new Error("not built yet");
  }

  get appliedIndex(): number {
    throw new Error("not built yet");
  }

  /** Index of the last entry, durable or not. On a leader the next proposal gets the index after it. */
  get lastIndex(): number {
    throw new Error("not built yet");
  }

  /** Integrator only, unstable: replaces the random part of the election timeout until the next role change. */
  setRandomizedElectionTimeout(_ticks: number): void {
    throw new Error("not built yet");
  }
}
