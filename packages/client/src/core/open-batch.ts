import { BATCH_RECORDS_MAX, BatchBuilder, type RecordInput } from "@stratalog/record-batch";
import type { BatchBuffers } from "./batch-buffers.ts";
import type { ProduceBatch, RecordWaiter } from "./produce-batch.ts";
import type { ProduceLane } from "./produce-lane.ts";

/** Bounds and times of batches. */
export interface OpenBatchOptions {
  readonly maxBytes: number;
  /** First size of a batch's buffer: about what the last one of this partition took. */
  readonly expectedBytes: number;
  readonly nowMs: number;
  /** Memory that earlier batches were in. */
  readonly buffers: BatchBuffers;
}

/** The batch that gathers records for one partition. One encode pass: records go in as bytes. */
export class OpenBatch {
  readonly createdMs: number;
  readonly #builder: BatchBuilder;
  readonly #maxBytes: number;
  readonly #waiters: RecordWaiter[] = [];
  readonly #waiterIndexes: number[] = [];
  readonly settledListeners: (() => void)[] = [];

  constructor(options: OpenBatchOptions) {
    this.createdMs = options.nowMs;
    this.#maxBytes = options.maxBytes;
    const initialBytes = options.expectedBytes;
    this.#builder = new BatchBuilder({ initialBytes, buffer: options.buffers.take(initialBytes) });
  }

  get sizeBytes(): number {
    return this.#builder.sizeBytes;
  }

  get recordCount(): number {
    return this.#builder.recordCount;
  }

  /** Adds a record; false when the batch is full. A first record is taken whatever its size. */
  tryAppend(record: RecordInput): boolean {
    const { recordCount } = this.#builder;
    if (recordCount >= BATCH_RECORDS_MAX) return false;
    const isFirst = recordCount === 0;
    return this.#builder.tryAppend(record, isFirst ? Number.MAX_SAFE_INTEGER : this.#maxBytes);
  }

  /** Lets somebody hear of the record that was added last. */
  addWaiter(waiter: RecordWaiter): void {
    this.#waiters.push(waiter);
    this.#waiterIndexes.push(this.#builder.recordCount - 1);
  }

  /** Closes the batch under the lane's next numbers and puts it there. */
  close(lane: ProduceLane, options: { readonly expectedOffset?: number } = {}): ProduceBatch {
    const recordCount = this.#builder.recordCount;
    const bufferedBytes = this.#builder.sizeBytes;
    const sequence = lane.takeSequence(recordCount);
    const producer =
      lane.identity === undefined ? {} : { ...lane.identity, baseSequence: sequence };
    const batch: ProduceBatch = {
      bytes: this.#builder.build(producer),
      recordCount,
      bufferedBytes,
      createdMs: this.createdMs,
      expectedOffset: options.expectedOffset,
      waiters: this.#waiters,
      waiterIndexes: this.#waiterIndexes,
      settledListeners: this.settledListeners,
      sequence,
      phase: "ready",
      mayBeStored: false,
      attempts: 0,
      sentMs: 0,
      lastError: undefined,
    };
    lane.add(batch);
    return batch;
  }
}
