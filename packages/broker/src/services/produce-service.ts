import { type Clock, CodedError } from "@stratalog/base";
import type { Acks, ProduceResult } from "@stratalog/partition";
import { BatchBuilder, type RecordInput } from "@stratalog/record-batch";
import type { ByteBudget } from "./byte-budget.ts";
import type { PartitionFinder, PartitionName } from "./partition-finder.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

/** How to append. */
export interface AppendOptions extends PartitionName {
  readonly acks: Acks;
  readonly expectedOffset?: number;
  readonly leaderEpoch?: number;
  readonly timeoutMs: number;
}

/** One batch to append. Its bytes belong to the broker from here on. */
export interface AppendRequest extends AppendOptions {
  readonly batch: Uint8Array;
}

/** Records to append as one batch. */
export interface RecordsRequest extends AppendOptions {
  readonly records: readonly RecordInput[];
}

/**
 * Appends to the partitions that this broker leads. The budget counts the bytes of batches that are
 * not answered yet, over all clients; those who bring batches look at it before they read more.
 */
export class ProduceService {
  readonly budget: ByteBudget;
  readonly #finder: PartitionFinder;
  readonly #clock: Clock;
  readonly #metrics: ServiceMetrics;

  constructor(options: {
    readonly finder: PartitionFinder;
    readonly budget: ByteBudget;
    readonly clock: Clock;
    readonly metrics: ServiceMetrics;
  }) {
    this.#finder = options.finder;
    this.budget = options.budget;
    this.#clock = options.clock;
    this.#metrics = options.metrics;
  }

  /**
   * Appends one batch; what can be refused at once is refused in this turn. Rejects with a
   * CodedError.
   */
  async append(request: AppendRequest): Promise<ProduceResult> {
    const bytes = request.batch.byteLength;
    const startMs = this.#clock.monotonicMs();
    this.budget.take(bytes);
    try {
      const result = await this.#finder.find(request).produce(request);
      this.#metrics.appended(bytes, this.#clock.monotonicMs() - startMs);
      return result;
    } catch (error) {
      this.#metrics.appendFailed(CodedError.from(error).code);
      throw error;
    } finally {
      this.budget.release(bytes);
    }
  }

  /** Builds one uncompressed batch of the records and appends it. */
  async appendRecords(request: RecordsRequest): Promise<ProduceResult> {
    if (this.budget.isExhausted) {
      throw new CodedError("THROTTLED", "too many bytes in flight on this broker; retry", {
        details: { limitBytes: this.budget.limitBytes },
      });
    }
    const { records, ...options } = request;
    const builder = new BatchBuilder();
    for (const record of records) builder.append(record);
    return await this.append({ ...options, batch: builder.build() });
  }
}
