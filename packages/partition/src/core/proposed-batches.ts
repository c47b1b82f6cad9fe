import { assert } from "@stratalog/base";
import type { KnownBatches, ProducerBatch } from "./producer-history.ts";

/**
 * What a leader has proposed for one producer in one epoch and not yet seen committed, oldest
 * first. While its own disk stalls that may be a hundred thousand batches: each is added, found
 * and dropped without a walk over the others. The append queue bounds them.
 * Invariants: base offsets rise; no two begin with the same sequence.
 */
export class ProposedBatches implements KnownBatches {
  readonly epoch: number;
  #batches: ProducerBatch[] = [];
  /** Those before it are dropped. */
  #head = 0;
  readonly #byFirstSequence = new Map<number, ProducerBatch>();

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  get newest(): ProducerBatch | undefined {
    return this.isEmpty ? undefined : this.#batches.at(-1);
  }

  get isEmpty(): boolean {
    return this.#head === this.#batches.length;
  }

  find(firstSequence: number, lastSequence: number): ProducerBatch | undefined {
    const found = this.#byFirstSequence.get(firstSequence);
    return found?.lastSequence === lastSequence ? found : undefined;
  }

  push(batch: ProducerBatch): void {
    const { newest } = this;
    assert(newest === undefined || newest.baseOffset < batch.baseOffset, "offsets that rise");
    this.#batches.push(batch);
    this.#byFirstSequence.set(batch.firstSequence, batch);
  }

  /** The batches up to a base offset are committed, or never will be. */
  dropThrough(baseOffset: number): void {
    for (let at = this.#head; at < this.#batches.length; at++) {
      const batch = this.#batches[at] as ProducerBatch;
      if (batch.baseOffset > baseOffset) break;
      this.#head = at + 1;
      this.#byFirstSequence.delete(batch.firstSequence);
    }
    if (this.#head * 2 < this.#batches.length) return;
    this.#batches = this.#batches.slice(this.#head);
    this.#head = 0;
  }
}
