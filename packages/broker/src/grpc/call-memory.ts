import { ByteBudget } from "../services/byte-budget.ts";
import type { CallGuard } from "./call-guard.ts";

/** Bounds of what calls make the broker hold for their clients. */
export interface CallMemoryLimits {
  /** Of one connection: requests in part, answers that it has not taken, subscriptions. */
  readonly connectionBytes: number;
  /** The same of all connections together. */
  readonly totalBytes: number;
  /** Time in which a client must take one message of an answer, or send one of a request. */
  readonly stalledMs: number;
}

/** What holds where nothing is said. */
export const CALL_MEMORY_LIMITS: CallMemoryLimits = {
  connectionBytes: 32 * 1024 * 1024,
  totalBytes: 256 * 1024 * 1024,
  stalledMs: 60_000,
};

/** Patience with a slow client while its connection or the broker has no room. */
const CROWDED_STALLED_MS = 1_000;

/**
 * What all calls of the broker hold in memory for their clients, by connection and in total. At
 * the bound of its connection or of all, a stream is sent no more and a request in part is refused;
 * a call whose client neither takes nor sends for too long is ended, sooner when there is no room.
 */
export class CallMemory {
  readonly total: ByteBudget;
  readonly #limits: CallMemoryLimits;
  readonly #connections = new WeakMap<object, ByteBudget>();
  readonly #guards = new Set<CallGuard>();
  #stalledCount = 0;

  constructor(limits: CallMemoryLimits) {
    this.#limits = limits;
    this.total = new ByteBudget(limits.totalBytes);
  }

  /** Calls that were ended because their clients were too slow. */
  get stalledCount(): number {
    return this.#stalledCount;
  }

  /** What the calls of a connection hold. */
  ofConnection(connection: object): ByteBudget {
    let budget = this.#connections.get(connection);
    if (budget === undefined) {
      budget = new ByteBudget(this.#limits.connectionBytes);
      this.#connections.set(connection, budget);
    }
    return budget;
  }

  /** Watches a call from its start to its end; bounded by the calls that are open. */
  add(guard: CallGuard): void {
    this.#guards.add(guard);
  }

  delete(guard: CallGuard): void {
    this.#guards.delete(guard);
  }

  /** Ends the calls whose clients are too slow. To be called every second or so. */
  endStalled(): void {
    for (const guard of this.#guards) {
      const limitMs = guard.isCrowded ? CROWDED_STALLED_MS : this.#limits.stalledMs;
      if (guard.stalledMs <= limitMs) continue;
      this.#stalledCount++;
      guard.reset();
    }
  }
}
