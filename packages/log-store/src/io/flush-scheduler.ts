import type { Timer, Timers } from "@stratalog/base";
import type { TailBudget } from "../core/tail-budget.ts";
import { Gate } from "./gate.ts";
import type { GroupEntry } from "./group-entry.ts";

/** Segment writes under way at once: the WAL's write must always find a free thread. */
const CONCURRENCY = 2;

/**
 * Decides when frames go from memory to segments: a group with enough of them at once, every group
 * after a while, and all of them when memory runs short.
 */
export class FlushScheduler {
  readonly #timers: Timers;
  readonly #budget: TailBudget;
  readonly #flushBytes: number;
  readonly #flushMs: number;
  readonly #durableBatch: () => number;
  readonly #onFatal: (error: unknown) => void;
  readonly #dirty = new Set<GroupEntry>();
  readonly #urgent = new Set<GroupEntry>();
  readonly #running = new Set<GroupEntry>();
  readonly #syncGate = new Gate(1);
  #timer: Timer | undefined;
  #wasTight = false;
  #isStopped = false;
  /** Whether the last segment write found the disk full. */
  isDiskFull = false;

  constructor(options: {
    readonly timers: Timers;
    readonly budget: TailBudget;
    readonly flushBytes: number;
    readonly flushMs: number;
    readonly durableBatch: () => number;
    readonly onFatal: (error: unknown) => void;
  }) {
    this.#timers = options.timers;
    this.#budget = options.budget;
    this.#flushBytes = options.flushBytes;
    this.#flushMs = options.flushMs;
    this.#durableBatch = options.durableBatch;
    this.#onFatal = options.onFatal;
  }

  /** A group has changes that its segments lack. */
  changed(entry: GroupEntry): void {
    this.#dirty.add(entry);
    const isTight = this.#budget.pinnedBytes * 2 > this.#budget.limitBytes;
    // All of them once when it becomes tight, then each as it changes: not all of them at each change.
    if (isTight && !this.#wasTight) this.#hurryAll();
    this.#wasTight = isTight;
    if (isTight || entry.state.pendingBytes >= this.#flushBytes) this.#urgent.add(entry);
    if (this.#timer === undefined) this.#setTimer();
  }

  /** More of the WAL is durable: what it makes durable may be written now. */
  pump(): void {
    if (this.#isStopped) return;
    const durable = this.#durableBatch();
    for (const entry of this.#urgent) {
      if (this.#running.size >= CONCURRENCY) return;
      const oldest = entry.state.oldestPendingBatch;
      if (this.#running.has(entry) || (oldest !== undefined && oldest > durable)) continue;
      this.#urgent.delete(entry);
      this.#running.add(entry);
      this.#flush(entry).catch(this.#onFatal);
    }
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #flush(entry: GroupEntry): Promise<void> {
    try {
      const outcome = entry.isDropped ? "taken" : await entry.writer.flush();
      this.isDiskFull = outcome === "full";
    } finally {
      this.#running.delete(entry);
    }
    const { oldestPendingBatch, pendingBytes } = entry.state;
    if (oldestPendingBatch === undefined || entry.isDropped) this.#dirty.delete(entry);
    else if (pendingBytes >= this.#flushBytes && !this.isDiskFull) this.#urgent.add(entry);
    this.#budget.trim();
    this.pump();
    if (!entry.writer.shouldSyncEarly) return;
    await this.#syncGate.run(() => syncEarly(entry));
  }

  #hurryAll(): void {
    for (const entry of this.#dirty) this.#urgent.add(entry);
  }

  #setTimer(): void {
    this.#timer = this.#timers.after(this.#flushMs, () => {
      this.#timer = undefined;
      if (this.#isStopped || this.#dirty.size === 0) return;
      this.#hurryAll();
      this.pump();
      this.#setTimer();
    });
  }
}

async function syncEarly(entry: GroupEntry): Promise<void> {
  // Another one may have done it while this one waited.
  if (entry.writer.shouldSyncEarly && !entry.isDropped) await entry.writer.syncEarly();
}
