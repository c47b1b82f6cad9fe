import { assert } from "./assert.ts";
import type { Message, StorageAppendResponse } from "./messages.ts";
import type { Ready } from "./ready.ts";
import type { ReplicaState } from "./replica-state.ts";
import { broadcastAppend } from "./replication.ts";
import {
  APPEND_WORKER,
  APPLY_WORKER,
  type Entry,
  type HardState,
  type ReplicaId,
  type RoleName,
  type Snapshot,
} from "./types.ts";

/** What one Ready asks the storage to do. */
interface StorageWork {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
}

const NOTHING: readonly never[] = [];

/** Turns what gathered in a replica into Readies, and remembers what was handed out. */
export class ReadyAssembly {
  readonly #state: ReplicaState;
  readonly #isAsync: boolean;
  #lastHardState: HardState;
  #lastLeader: ReplicaId;
  #lastRole: RoleName;
  /** Synchronous mode: what to step when the Ready that is out is done. */
  #stepsOnAdvance: Message[] = [];
  #isOut = false;

  constructor(state: ReplicaState) {
    this.#state = state;
    this.#isAsync = state.options.asyncStorageWrites;
    this.#lastHardState = state.hardState();
    this.#lastLeader = state.leader;
    this.#lastRole = state.role.name;
  }

  hasReady(): boolean {
    const state = this.#state;
    const { log, role } = state;
    return (
      state.messages.length > 0 ||
      state.messagesAfterAppend.length > 0 ||
      log.unstable.hasNextEntries ||
      log.hasNextCommitted(!this.#isAsync) ||
      this.#hasNewHardState() ||
      this.#hasNewSoftState() ||
      state.readStates.length > 0 ||
      state.wants.length > 0 ||
      (role.name === "leader" && role.hasUnsentAppends) ||
      log.unstable.nextSnapshot() !== undefined
    );
  }

  take(): Ready {
    assert(!this.#isOut, "ready() was called again before advance()");
    const state = this.#state;
    if (state.role.name === "leader" && state.role.hasUnsentAppends) {
      broadcastAppend(state, state.role);
    }
    const committedEntries = this.#takeCommitted();
    const hardState = this.#hasNewHardState() ? state.hardState() : undefined;
    const work: StorageWork = {
      entries: state.log.unstable.nextEntries(),
      hardState,
      snapshot: state.log.unstable.nextSnapshot(),
    };
    const ready: Ready = {
      ...(this.#hasNewSoftState() && {
        softState: { leader: state.leader, role: state.role.name },
      }),
      ...(hardState !== undefined && { hardState }),
      readStates: take(state.readStates),
      entries: work.entries,
      ...(work.snapshot !== undefined && { snapshot: work.snapshot }),
      committedEntries,
      messages: state.messages,
      mustSync: work.entries.length > 0 || this.#hasNewVote(),
      wants: take(state.wants),
    };
    if (this.#isAsync) this.#addStorageMessages(work, committedEntries);
    else this.#deferOwnSteps(work, committedEntries);
    this.#accept(ready);
    return ready;
  }

  /** The steps that were waiting for the Ready that is out. */
  takeStepsOnAdvance(): readonly Message[] {
    assert(!this.#isAsync, "advance() has no place with asyncStorageWrites");
    assert(this.#isOut, "advance() without a Ready that is out");
    this.#isOut = false;
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    return steps;
  }

  #accept(ready: Ready): void {
    const state = this.#state;
    if (ready.hardState !== undefined) this.#lastHardState = ready.hardState;
    this.#lastLeader = state.leader;
    this.#lastRole = state.role.name;
    if (ready.readStates.length > 0) state.readStates = [];
    if (ready.wants.length > 0) state.wants = [];
    // Handed out with the Ready, even where they are empty: the replica must not go on filling
    // them.
    state.messages = [];
    state.messagesAfterAppend = [];
    state.log.unstable.acceptInProgress();
    state.log.acceptApplying(ready.committedEntries, !this.#isAsync);
    this.#isOut = !this.#isAsync;
  }

  #takeCommitted(): readonly Entry[] {
    const { log } = this.#state;
    const read = log.nextCommitted(!this.#isAsync);
    if (read === "pending") {
      log.applyIsPending = true;
      this.#state.pendingApplyTicks = 0;
      const range = log.nextCommittedRange(!this.#isAsync);
      this.#state.wants.push({ for: "apply", ...range, maxBytes: log.remainingApplyingBytes });
      return NOTHING;
    }
    assert(read !== "compacted", `the storage dropped entries after ${log.applying} unapplied`);
    return read;
  }

  /** Asynchronous mode: the work and what waits for it travel as messages to the local workers. */
  #addStorageMessages(work: StorageWork, committedEntries: readonly Entry[]): void {
    const state = this.#state;
    const waiting = state.messagesAfterAppend;
    if (hasWork(work) || waiting.length > 0) {
      const responses: Message[] = waiting;
      // After the leader's own acknowledgement, which reads the term of its entry faster while that
      // is unstable.
      const response = this.#appendResponse(work.snapshot);
      if (response !== undefined) responses.push(response);
      state.messages.push({
        type: "storage-append",
        from: state.id,
        to: APPEND_WORKER,
        term: work.hardState?.term ?? 0,
        entries: work.entries,
        ...(work.hardState !== undefined && { hardState: work.hardState }),
        ...(work.snapshot !== undefined && { snapshot: work.snapshot }),
        responses,
      });
    }
    if (committedEntries.length > 0) {
      state.messages.push({
        type: "storage-apply",
        from: state.id,
        to: APPLY_WORKER,
        term: 0,
        entries: committedEntries,
        responses: [this.#applyResponse(committedEntries)],
      });
    }
  }

  /**
   * Synchronous mode: what waits leaves with this Ready, and what is for this replica comes back in
   * `advance`.
   */
  #deferOwnSteps(work: StorageWork, committedEntries: readonly Entry[]): void {
    const state = this.#state;
    for (const message of state.messagesAfterAppend) {
      if (message.to === state.id) this.#stepsOnAdvance.push(message);
      else state.messages.push(message);
    }
    const response = this.#appendResponse(work.snapshot);
    if (response !== undefined) this.#stepsOnAdvance.push(response);
    if (committedEntries.length > 0) {
      this.#stepsOnAdvance.push(this.#applyResponse(committedEntries));
    }
  }

  /**
   * Vouches for the whole log, not only for the entries of this write: an earlier response is
   * dropped when the term has changed since (see `stableTo`), and each change of term writes again,
   * so some response always gets through. Carries the term of now for that check.
   */
  #appendResponse(snapshot: Snapshot | undefined): StorageAppendResponse | undefined {
    const { id, term, log } = this.#state;
    const hasEntries = log.unstable.hasEntries;
    if (!hasEntries && snapshot === undefined) return undefined;
    return {
      type: "storage-append-response",
      from: APPEND_WORKER,
      to: id,
      term,
      index: hasEntries ? log.lastIndex : 0,
      logTerm: hasEntries ? log.lastTerm : 0,
      ...(snapshot !== undefined && { snapshot }),
    };
  }

  #applyResponse(entries: readonly Entry[]): Message {
    return {
      type: "storage-apply-response",
      from: APPLY_WORKER,
      to: this.#state.id,
      term: 0,
      entries,
    };
  }

  #hasNewVote(): boolean {
    const { term, vote } = this.#state;
    return term !== this.#lastHardState.term || vote !== this.#lastHardState.vote;
  }

  #hasNewHardState(): boolean {
    return this.#hasNewVote() || this.#state.log.committed !== this.#lastHardState.commit;
  }

  #hasNewSoftState(): boolean {
    return this.#state.leader !== this.#lastLeader || this.#state.role.name !== this.#lastRole;
  }
}

function hasWork(work: StorageWork): boolean {
  return work.entries.length > 0 || work.hardState !== undefined || work.snapshot !== undefined;
}

/** Idle replicas are many; their Readies share one empty list. */
function take<T>(items: T[]): readonly T[] {
  return items.length === 0 ? NOTHING : items;
}
