import { assert, type Random } from "@stratalog/base";
import { murmur2 } from "./murmur2.ts";

/** The partition of a keyed record: Kafka's rule, so that both clusters put a key in one place. */
export function partitionOfKey(key: Uint8Array, partitionCount: number): number {
  assert(partitionCount > 0, "a topic has partitions");
  return (murmur2(key) & 0x7fff_ffff) % partitionCount;
}

/**
 * Chooses the partition of records without a key: one at random until a batch for it is closed,
 * then another. Batches stay large and partitions fill evenly.
 */
export class StickyPartitioner {
  readonly #random: Random;
  #current = -1;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The partition for the next record without a key. */
  choose(partitionCount: number): number {
    assert(partitionCount > 0, "a topic has partitions");
    if (this.#current < 0 || this.#current >= partitionCount) {
      this.#current = this.#random.below(partitionCount);
    }
    return this.#current;
  }

  /** A batch of this partition was closed: move on if it was the sticky one. */
  onBatchClosed(partition: number, partitionCount: number): void {
    if (partition !== this.#current || partitionCount < 2) return;
    const step = 1 + this.#random.below(partitionCount - 1);
    this.#current = (this.#current + step) % partitionCount;
  }
}
