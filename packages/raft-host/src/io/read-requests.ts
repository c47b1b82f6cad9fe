import { CodedError, type Deferred, deferred } from "@stratalog/base";
import type { ReadState } from "raft-ts";

interface Confirmation {
  readonly waiters: Deferred<number>[];
  /** Set once the quorum has confirmed: the index that must be applied first. */
  index: number | undefined;
}

/**
 * The confirmations of leadership that one group's callers wait for. Calls of one turn share one
 * round to the quorum.
 */
export class ReadRequests {
  readonly #countMax: number;
  readonly #confirmations = new Map<number, Confirmation>();
  #lastContext = 0;
  #openContext: number | undefined;
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Adds a caller. `begin` asks the core, once per turn, and says whether it took the question. */
  add(begin: (context: number) => boolean): Promise<number> {
    if (this.#count >= this.#countMax) {
      const message = `${this.#countMax} confirmations of leadership wait already; try again`;
      return Promise.reject(new CodedError("THROTTLED", message));
    }
    if (this.#openContext === undefined) {
      this.#lastContext++;
      if (!begin(this.#lastContext)) return Promise.reject(notLeader());
      this.#openContext = this.#lastContext;
      this.#confirmations.set(this.#openContext, { waiters: [], index: undefined });
    }
    const waiter = deferred<number>();
    this.#confirmations.get(this.#openContext)?.waiters.push(waiter);
    this.#count++;
    return waiter.promise;
  }

  /** The turn is over: the next caller starts a round of its own. */
  endTurn(): void {
    this.#openContext = undefined;
  }

  /** The core confirmed leadership as of an index. */
  confirm({ context, index }: ReadState): void {
    const confirmation = this.#confirmations.get(context);
    if (confirmation !== undefined) confirmation.index = index;
  }

  /** Answers those whose index is applied. */
  release(appliedIndex: number): void {
    for (const [context, { waiters, index }] of this.#confirmations) {
      if (index === undefined || index > appliedIndex) continue;
      this.#confirmations.delete(context);
      this.#count -= waiters.length;
      for (const waiter of waiters) waiter.resolve(index);
    }
  }

  /** Leadership is lost: nobody can be answered. */
  rejectAll(): void {
    const confirmations = [...this.#confirmations.values()];
    this.#confirmations.clear();
    this.#openContext = undefined;
    this.#count = 0;
    for (const { waiters } of confirmations) {
      for (const waiter of waiters) waiter.reject(notLeader());
    }
  }
}

function notLeader(): CodedError {
  return new CodedError("NOT_LEADER", "this replica does not lead the group; ask its leader");
}
