import type { Clock } from "@stratalog/base";
import type { ByteBudget } from "../services/byte-budget.ts";
import { ReadGate } from "./read-gate.ts";

/** What a guard needs of its call. */
export interface CallGuardOptions {
  readonly clock: Clock;
  /** What all calls hold. */
  readonly total: ByteBudget;
  /** What the calls of its connection hold. */
  readonly connection: ByteBudget;
  /** The connection that it came by, where that is known. */
  readonly connectionKey?: object | undefined;
  /** Ends the call at once, whatever is on its way. */
  readonly reset: () => void;
}

/** What a call holds in memory for its client, in one of three ways. */
type Hold = "request" | "answers" | "state";

/**
 * Watches one call: when its next message is read, and what it holds in memory. Invariant: the sum
 * of what it holds is taken from the budgets of its connection and of all, and given back by
 * `close`.
 */
export class CallGuard {
  readonly gate = new ReadGate();
  readonly #options: CallGuardOptions;
  readonly #held: Record<Hold, number> = { request: 0, answers: 0, state: 0 };
  #answerCount = 0;
  /** Since when answers wait and none was taken. */
  #waitingSinceMs = 0;
  /** Since when a request is here in part. */
  #requestSinceMs = 0;
  #isClosed = false;
  #forgetRoom: () => void = () => {};

  constructor(options: CallGuardOptions) {
    this.#options = options;
  }

  /** What its connection is known by. */
  get connection(): object | undefined {
    return this.#options.connectionKey;
  }

  /** Whether its connection or the broker has no room for more. */
  get isCrowded(): boolean {
    return this.#options.total.isExhausted || this.#options.connection.isExhausted;
  }

  /**
   * How long the client has been slow: answers wait and none was taken, or a request is here in
   * part. 0 when it owes nothing.
   */
  get stalledMs(): number {
    const nowMs = this.#options.clock.monotonicMs();
    const answersMs = this.#answerCount === 0 ? 0 : nowMs - this.#waitingSinceMs;
    const requestMs = this.#held.request === 0 ? 0 : nowMs - this.#requestSinceMs;
    return Math.max(answersMs, requestMs);
  }

  /** Calls back once when there may be room again; a later call replaces an earlier one. */
  onRoom(callback: () => void): void {
    this.#forgetRoom();
    const { total, connection } = this.#options;
    this.#forgetRoom = (connection.isExhausted ? connection : total).onRoom(callback);
  }

  /** A request is here in part. False: it is more than there is room for. */
  setRequestBytes(bytes: number): boolean {
    const isMore = bytes > this.#held.request;
    // It was nothing before, or less than before: another message begins.
    if (this.#held.request === 0 || !isMore) {
      this.#requestSinceMs = this.#options.clock.monotonicMs();
    }
    this.#set("request", bytes);
    return !isMore || !this.isCrowded;
  }

  /** What the client asked to be remembered. False: it is more than there is room for. */
  setStateBytes(bytes: number): boolean {
    const isMore = bytes > this.#held.state;
    this.#set("state", bytes);
    return !isMore || !this.isCrowded;
  }

  /** A message was handed over to be sent. */
  addAnswer(bytes: number): void {
    if (this.#answerCount === 0) this.#waitingSinceMs = this.#options.clock.monotonicMs();
    this.#answerCount++;
    this.#set("answers", this.#held.answers + bytes);
  }

  /** A message was taken by the client's connection. */
  removeAnswer(bytes: number): void {
    if (this.#isClosed) return;
    this.#answerCount--;
    this.#waitingSinceMs = this.#options.clock.monotonicMs();
    this.#set("answers", this.#held.answers - bytes);
  }

  reset(): void {
    this.#options.reset();
  }

  /** The call is over: gives everything back. */
  close(): void {
    this.#forgetRoom();
    for (const hold of ["request", "answers", "state"] as const) this.#set(hold, 0);
    this.#answerCount = 0;
    this.#isClosed = true;
  }

  #set(hold: Hold, bytes: number): void {
    if (this.#isClosed) return;
    const { total, connection } = this.#options;
    const difference = bytes - this.#held[hold];
    this.#held[hold] = bytes;
    for (const budget of [connection, total]) {
      if (difference > 0) budget.take(difference);
      else if (difference < 0) budget.release(-difference);
    }
  }
}
