import type { Clock } from "../ports/clock.ts";
import type { Timer, Timers } from "../ports/timers.ts";

interface Scheduled {
  readonly dueMs: number;
  readonly sequence: number;
  readonly task: () => void;
  cancelled: boolean;
}

/**
 * A clock and timers that move only when a test says so. Tasks due at one instant run in the
 * order of scheduling.
 */
export class ManualTime implements Clock, Timers {
  #nowMs: number;
  readonly #wallStartMs: number;
  #sequence = 0;
  #scheduled: Scheduled[] = [];

  constructor(options: { readonly wallStartMs?: number } = {}) {
    this.#nowMs = 0;
    this.#wallStartMs = options.wallStartMs ?? 1_700_000_000_000;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallStartMs + Math.floor(this.#nowMs);
  }

  after(delayMs: number, task: () => void): Timer {
    const entry: Scheduled = {
      dueMs: this.#nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      task,
      cancelled: false,
    };
    this.#scheduled.push(entry);
    return {
      cancel: () => {
        entry.cancelled = true;
      },
    };
  }

  endOfTurn(task: () => void): void {
    this.after(0, task);
  }

  /** Number of tasks that are waiting. */
  get pendingCount(): number {
    return this.#scheduled.filter((entry) => !entry.cancelled).length;
  }

  /**
   * Moves time forward, running what falls due in order, also what those tasks schedule on the
   * way.
   */
  advance(durationMs: number): void {
    const endMs = this.#nowMs + durationMs;
    for (let next = this.#takeDue(endMs); next !== undefined; next = this.#takeDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
    }
    this.#nowMs = endMs;
  }

  /** Like {@link advance}, letting promises settle between tasks. */
  async advanceAsync(durationMs: number): Promise<void> {
    const endMs = this.#nowMs + durationMs;
    await settle();
    for (let next = this.#takeDue(endMs); next !== undefined; next = this.#takeDue(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.task();
      await settle();
    }
    this.#nowMs = endMs;
  }

  #takeDue(endMs: number): Scheduled | undefined {
    this.#scheduled = this.#scheduled.filter((entry) => !entry.cancelled);
    let best: Scheduled | undefined;
    for (const entry of this.#scheduled) {
      if (entry.dueMs > endMs) continue;
      const earlier =
        best === undefined ||
        entry.dueMs < best.dueMs ||
        (entry.dueMs === best.dueMs && entry.sequence < best.sequence);
      if (earlier) best = entry;
    }
    if (best !== undefined) this.#scheduled.splice(this.#scheduled.indexOf(best), 1);
    return best;
  }
}

/** Lets every promise that can settle do so: one macrotask runs after all microtasks. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
