import type { PartitionQueue } from "../../core/partition-queue.ts";
import type { ClientEnvironment } from "../../ports/environment.ts";

/** Wakes queues after a while: one pending alarm each, the earliest. */
export class QueueAlarms {
  readonly #environment: ClientEnvironment;
  readonly #wake: (queue: PartitionQueue) => void;
  readonly #dueMs = new Map<PartitionQueue, number>();

  constructor(environment: ClientEnvironment, wake: (queue: PartitionQueue) => void) {
    this.#environment = environment;
    this.#wake = wake;
  }

  wakeAfter(queue: PartitionQueue, delayMs: number): void {
    if (delayMs <= 0) {
      this.#wake(queue);
      return;
    }
    const { clock, timers } = this.#environment;
    const dueMs = clock.monotonicMs() + delayMs;
    const knownDueMs = this.#dueMs.get(queue);
    if (knownDueMs !== undefined && knownDueMs <= dueMs) return;
    this.#dueMs.set(queue, dueMs);
    timers.after(delayMs, () => {
      if (this.#dueMs.get(queue) === dueMs) this.#dueMs.delete(queue);
      this.#wake(queue);
    });
  }
}
