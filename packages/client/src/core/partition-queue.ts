import type { RecordInput } from "@stratalog/record-batch";
import type { BatchBuffers } from "./batch-buffers.ts";
import { OpenBatch } from "./open-batch.ts";
import type { ProduceBatch, RecordWaiter } from "./produce-batch.ts";
import { type LaneOptions, ProduceLane } from "./produce-lane.ts";

/** Which partition, and how its batches are made. */
export interface PartitionQueueOptions extends LaneOptions {
  readonly topic: string;
  readonly partition: number;
  readonly maxBatchBytes: number;
  /** Conditional appends have queues of their own: a refused one leaves no gap for the others. */
  readonly kind: "plain" | "conditional";
  readonly buffers: BatchBuffers;
}

/** What adding a record did. */
export interface Appended {
  /** Bytes that the producer's memory grew by. */
  readonly grownBytes: number;
  /** A batch that the record did not fit into any more and that was closed for it. */
  readonly closed: ProduceBatch | undefined;
}

const FIRST_BATCH_BYTES = 1_024;

/**
 * The records of one partition on their way: one batch that gathers, and the lane of closed ones.
 */
export class PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  readonly kind: "plain" | "conditional";
  readonly lane: ProduceLane;
  readonly #maxBatchBytes: number;
  readonly #buffers: BatchBuffers;
  #open: OpenBatch | undefined;
  #expectedBytes = FIRST_BATCH_BYTES;

  constructor(options: PartitionQueueOptions) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.kind = options.kind;
    this.#maxBatchBytes = options.maxBatchBytes;
    this.#buffers = options.buffers;
    this.lane = new ProduceLane(options);
  }

  /** The batch that gathers; undefined while it would be empty. */
  get open(): OpenBatch | undefined {
    return this.#open;
  }

  get isEmpty(): boolean {
    return this.#open === undefined && this.lane.batchCount === 0;
  }

  /** Adds a record, closing the open batch first when it is full. */
  append(record: RecordInput, nowMs: number, waiter: RecordWaiter | undefined): Appended {
    let closed: ProduceBatch | undefined;
    let open = this.#open ?? this.#openBatch(nowMs);
    let before = open.recordCount === 0 ? 0 : open.sizeBytes;
    if (!open.tryAppend(record)) {
      closed = this.closeOpen();
      open = this.#openBatch(nowMs);
      before = 0;
      open.tryAppend(record);
    }
    if (waiter !== undefined) open.addWaiter(waiter);
    return { grownBytes: open.sizeBytes - before, closed };
  }

  /**
   * Lets somebody hear when each batch that is here now is stored or given up; gives their count.
   */
  onSettled(listener: () => void): number {
    const batches = this.lane.batches();
    for (const batch of batches) batch.settledListeners.push(listener);
    this.#open?.settledListeners.push(listener);
    return batches.length + (this.#open === undefined ? 0 : 1);
  }

  /** Closes the open batch into the lane, if there is one. */
  closeOpen(options: { readonly expectedOffset?: number } = {}): ProduceBatch | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    this.#open = undefined;
    // A little above the last batch: most batches of a partition are of one size.
    this.#expectedBytes = Math.min(this.#maxBatchBytes, Math.ceil(open.sizeBytes * 1.1));
    return open.close(this.lane, options);
  }

  #openBatch(nowMs: number): OpenBatch {
    const open = new OpenBatch({
      maxBytes: this.#maxBatchBytes,
      expectedBytes: this.#expectedBytes,
      nowMs,
      buffers: this.#buffers,
    });
    this.#open = open;
    return open;
  }
}
