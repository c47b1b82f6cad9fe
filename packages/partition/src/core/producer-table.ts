import { assert } from "@stratalog/base";
import {
  type BatchIdentity,
  lastSequenceOf,
  type ProducerBatch,
  type ProducerHistory,
  withBatch,
} from "./producer-history.ts";

/** A producer's committed history and when this replica last saw a batch of it. */
export interface ProducerEntry {
  readonly history: ProducerHistory;
  readonly seenWallMs: number;
}

/**
 * The producers of one partition: what is committed, the same on every replica, and on the leader,
 * above it, what it has
 * proposed and not yet seen committed. Losing leadership drops the upper layer; nothing stored is
 * rolled back.
 *
 * Invariants: a producer's proposed batches follow its committed ones; the committed layer holds at
 * most `producersMax`.
 */
export class ProducerTable {
  readonly #producersMax: number;
  /** In the order of last use, so that the first is the one to forget. */
  readonly #committed = new Map<number, ProducerEntry>();
  readonly #proposed = new Map<number, ProducerHistory>();

  constructor(producersMax: number) {
    assert(producersMax > 0, `producersMax ${producersMax}`);
    this.#producersMax = producersMax;
  }

  get size(): number {
    return this.#committed.size;
  }

  /** What a new batch of the producer is held against. */
  history(producerId: number): ProducerHistory | undefined {
    const committed = this.#committed.get(producerId)?.history;
    const proposed = this.#proposed.get(producerId);
    if (proposed === undefined) return committed;
    if (committed === undefined || committed.epoch !== proposed.epoch) return proposed;
    return { epoch: proposed.epoch, batches: [...committed.batches, ...proposed.batches] };
  }

  /** Remembers a batch that was just proposed. */
  propose(identity: BatchIdentity, baseOffset: number): void {
    const batch = toBatch(identity, baseOffset);
    const before = this.#proposed.get(identity.producerId);
    const batches = before !== undefined && before.epoch === identity.epoch ? before.batches : [];
    // Not cut to the last five: all that is in flight must find its duplicate. The append queue
    // bounds it.
    this.#proposed.set(identity.producerId, {
      epoch: identity.epoch,
      batches: [...batches, batch],
    });
  }

  /** Moves a batch into the committed layer. */
  commit(identity: BatchIdentity, baseOffset: number, seenWallMs: number): void {
    const { producerId, epoch } = identity;
    const entry = this.#committed.get(producerId);
    const history = withBatch(entry?.history, epoch, toBatch(identity, baseOffset));
    this.#committed.delete(producerId);
    this.#committed.set(producerId, { history, seenWallMs });
    this.#forgetProposed(producerId, epoch, baseOffset);
    if (this.#committed.size > this.#producersMax) this.#forgetOldest();
  }

  /** Leadership ended: what was proposed may or may not be stored, only the log will tell. */
  dropProposed(): void {
    this.#proposed.clear();
  }

  /** Forgets producers that were not seen since a moment. Returns how many. */
  expire(notSeenSinceWallMs: number): number {
    let count = 0;
    for (const [producerId, entry] of this.#committed) {
      if (entry.seenWallMs >= notSeenSinceWallMs) continue;
      this.#committed.delete(producerId);
      count++;
    }
    return count;
  }

  /** The committed layer, least recently used first. */
  entries(): IterableIterator<[producerId: number, entry: ProducerEntry]> {
    return this.#committed.entries();
  }

  /** Replaces the committed layer by that of a snapshot. */
  restore(entries: Iterable<readonly [producerId: number, entry: ProducerEntry]>): void {
    this.#committed.clear();
    this.#proposed.clear();
    for (const [producerId, entry] of entries) this.#committed.set(producerId, entry);
  }

  #forgetProposed(producerId: number, epoch: number, baseOffset: number): void {
    const proposed = this.#proposed.get(producerId);
    if (proposed === undefined || proposed.epoch > epoch) return;
    const batches = proposed.batches.filter((batch) => batch.baseOffset > baseOffset);
    if (batches.length === 0) this.#proposed.delete(producerId);
    else this.#proposed.set(producerId, { epoch: proposed.epoch, batches });
  }

  #forgetOldest(): void {
    for (const producerId of this.#committed.keys()) {
      this.#committed.delete(producerId);
      return;
    }
  }
}

function toBatch(identity: BatchIdentity, baseOffset: number): ProducerBatch {
  return {
    firstSequence: identity.firstSequence,
    lastSequence: lastSequenceOf(identity),
    baseOffset,
  };
}
