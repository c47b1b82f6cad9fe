import type { TopicPartition } from "../../core/topic-partition.ts";

/** Why partitions went: to another member in good order, or because this one was out. */
export type RevokeReason = "moved" | "lost";

/** Hears of partitions that come or go. */
export type ConsumerListener = (
  partitions: readonly TopicPartition[],
  reason: RevokeReason,
) => void | Promise<void>;

const LISTENERS_MAX = 1_000;

/** The two events of a consumer, whose listeners are waited for. */
export class ConsumerEvents {
  readonly #listeners = {
    assigned: new Set<ConsumerListener>(),
    revoked: new Set<ConsumerListener>(),
  };

  on(event: "assigned" | "revoked", listener: ConsumerListener): () => void {
    const listeners = this.#listeners[event];
    if (listeners.size >= LISTENERS_MAX) {
      throw new RangeError(`${LISTENERS_MAX} listeners for "${event}": is one added per record?`);
    }
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  }

  async emit(
    event: "assigned" | "revoked",
    partitions: readonly TopicPartition[],
    reason: RevokeReason,
  ): Promise<void> {
    for (const listener of this.#listeners[event]) await listener(partitions, reason);
  }
}
