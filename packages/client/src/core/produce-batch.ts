import type { CodedError } from "@stratalog/base";

/** Where a batch of a lane is: being compressed, waiting, on its way, or waiting to go again. */
export type ProducePhase = "preparing" | "ready" | "sent" | "failed";

/** Who sends idempotent batches. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Hears what became of one record of a batch. */
export interface RecordWaiter {
  onStored(partition: number, offset: number): void;
  onFailed(error: CodedError): void;
}

/** A closed batch on its way to its partition. The lane that it is in changes it; nobody else. */
export interface ProduceBatch {
  bytes: Uint8Array;
  readonly recordCount: number;
  /** Bytes that it counts for in the producer's memory. */
  readonly bufferedBytes: number;
  readonly createdMs: number;
  /** Set for a conditional append. */
  readonly expectedOffset: number | undefined;
  /** Who waits for records of it; records that nobody waits for only count in `flush`. */
  readonly waiters: readonly RecordWaiter[];
  /** Which record of the batch each waiter waits for, from 0. */
  readonly waiterIndexes: readonly number[];
  /** Called once when the batch is stored or given up. */
  readonly settledListeners: (() => void)[];
  sequence: number;
  phase: ProducePhase;
  /** A send of it ended without an answer: only the broker knows whether it is in the log. */
  mayBeStored: boolean;
  attempts: number;
  sentMs: number;
  lastError: CodedError | undefined;
}

const SEQUENCE_RANGE = 2 ** 31;

/** The sequence number `count` records after `sequence`; wraps from 2^31 − 1 to 0 as Kafka's do. */
export function sequenceAfter(sequence: number, count: number): number {
  return (sequence + count) % SEQUENCE_RANGE;
}
