import { assert } from "@stratalog/base";
import {
  type BatchIdentity,
  checkSequence,
  type KnownBatches,
  knownBatches,
  lastSequenceOf,
  type ProducerBatch,
  type ProducerHistory,
  type SequenceVerdict,
  withBatch,
} from "./producer-history.ts";
import { ProposedBatches } from "./proposed-batches.ts";

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
  readonly #proposed = new Map<number, ProposedBatches>();

  constructor(producersMax: number) {
    assert(producersMax > 0, `producersMax ${producersMax}`);
    this.#producersMax = producersMax;
  }

  get size(): number {
    return this.#committed.size;
  }

  /** Whether a new batch is the next one of its producer, a duplicate, or neither. */
  check(identity: BatchIdentity): SequenceVerdict {
    return checkSequence(this.#known(identity.producerId), identity);
  }

  #known(producerId: number): KnownBatches | undefined {
    const history = this.#committed.get(producerId)?.history;
    const proposed = this.#proposed.get(producerId);
    if (history === undefined) return proposed;
    const committed = knownBatches(history);
    if (proposed === undefined) return committed;
    if (history.epoch !== proposed.epoch) return proposed;
    return {
      epoch: proposed.epoch,
      newest: proposed.newest,
      find: (first, last) => proposed.find(first, last) ?? committed.find(first, last),
    };
  }

  /** Remembers a batch that was just proposed. */
  propose(identity: BatchIdentity, baseOffset: number): void {
    const { producerId, epoch } = identity;
    let proposed = this.#proposed.get(producerId);
    if (proposed?.epoch !== epoch) {
      proposed = new ProposedBatches(epoch);
      this.#proposed.set(producerId, proposed);
    }
    // Not cut to the last five: all that is in flight must find its duplicate.
    proposed.push(toBatch(identity, baseOffset));
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
    proposed.dropThrough(baseOffset);
    if (proposed.isEmpty) this.#proposed.delete(producerId);
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
