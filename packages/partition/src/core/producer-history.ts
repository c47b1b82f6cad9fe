import { sequenceAfter } from "./sequence.ts";

/** One stored batch of an idempotent producer. Sequences and offsets are those of its records. */
export interface ProducerBatch {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
}

/**
 * What a partition remembers of one producer: its newest epoch and the last batches of that
 * epoch, oldest first.
 */
export interface ProducerHistory {
  readonly epoch: number;
  readonly batches: readonly ProducerBatch[];
}

/** What a new batch of a producer is held against. */
export interface KnownBatches {
  readonly epoch: number;
  /** The last batch of the epoch; undefined when none is remembered. */
  readonly newest: ProducerBatch | undefined;
  /** The batch of exactly these sequences. */
  find(firstSequence: number, lastSequence: number): ProducerBatch | undefined;
}

/** The identity that a batch of an idempotent producer carries. */
export interface BatchIdentity {
  readonly producerId: number;
  readonly epoch: number;
  readonly firstSequence: number;
  readonly recordCount: number;
}

/** Batches that are remembered per producer, as many as a Kafka producer may have in flight. */
export const REMEMBERED_BATCHES = 5;

export type SequenceVerdict =
  | { readonly kind: "next" }
  | { readonly kind: "duplicate"; readonly batch: ProducerBatch }
  | { readonly kind: "stale-epoch"; readonly knownEpoch: number }
  | { readonly kind: "out-of-order"; readonly expectedSequence: number };

/** The last sequence number of a batch. */
export function lastSequenceOf(identity: BatchIdentity): number {
  return sequenceAfter(identity.firstSequence, identity.recordCount - 1);
}

/**
 * Whether a batch is the next one of its producer, one that is stored already, or neither. A
 * producer that is not known
 * may begin anywhere: its history may have expired. A new epoch begins at 0.
 */
export function checkSequence(
  known: KnownBatches | undefined,
  identity: BatchIdentity,
): SequenceVerdict {
  const newest = known?.newest;
  if (known === undefined || newest === undefined) return { kind: "next" };
  if (identity.epoch < known.epoch) return { kind: "stale-epoch", knownEpoch: known.epoch };
  if (identity.epoch > known.epoch) {
    if (identity.firstSequence === 0) return { kind: "next" };
    return { kind: "out-of-order", expectedSequence: 0 };
  }
  const batch = known.find(identity.firstSequence, lastSequenceOf(identity));
  if (batch !== undefined) return { kind: "duplicate", batch };
  const expectedSequence = sequenceAfter(newest.lastSequence, 1);
  if (identity.firstSequence === expectedSequence) return { kind: "next" };
  return { kind: "out-of-order", expectedSequence };
}

/** A history in the form that a new batch is held against. */
export function knownBatches(history: ProducerHistory): KnownBatches {
  const { epoch, batches } = history;
  return {
    epoch,
    newest: batches.at(-1),
    find: (firstSequence, lastSequence) =>
      batches.find((b) => b.firstSequence === firstSequence && b.lastSequence === lastSequence),
  };
}

/** The history after one more batch; a new epoch forgets the batches of the old one. */
export function withBatch(
  history: ProducerHistory | undefined,
  epoch: number,
  batch: ProducerBatch,
): ProducerHistory {
  const before = history !== undefined && history.epoch === epoch ? history.batches : [];
  const kept = before.length < REMEMBERED_BATCHES ? before : before.slice(1 - REMEMBERED_BATCHES);
  return { epoch, batches: [...kept, batch] };
}
