import { CodedError } from "@stratalog/base";
import type { FetchResult } from "@stratalog/partition";
import { endOffsetOf, loadCodec, openBatch, type RecordView } from "@stratalog/record-batch";
import type { PartitionFinder, PartitionName } from "./partition-finder.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

/** A read of one partition as records. */
export interface RecordsFetch extends PartitionName {
  readonly offset: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly leaderEpoch?: number;
  readonly signal: AbortSignal;
}

/** Records of one partition. */
export interface FetchedRecords {
  readonly records: readonly RecordView[];
  /** Offset to ask for next. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
}

/** What one batch may decompress to here. Larger ones are for clients that decode by themselves. */
const DECOMPRESSED_BYTES_MAX = 16 * 1024 * 1024;
/** Keys and values of one answer; at least one record is given whatever its size. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
/** What a record costs an answer besides its key and value. */
const RECORD_OVERHEAD_BYTES = 32;

/** Reads records for clients that do not decode batches. */
export class FetchService {
  readonly #finder: PartitionFinder;
  readonly #metrics: ServiceMetrics;

  constructor(options: { readonly finder: PartitionFinder; readonly metrics: ServiceMetrics }) {
    this.#finder = options.finder;
    this.#metrics = options.metrics;
  }

  /** Waits as the request says; rejects with a CodedError. */
  async fetchRecords(request: RecordsFetch): Promise<FetchedRecords> {
    try {
      const result = await this.#finder.find(request).fetch(request);
      this.#metrics.fetched(result.batches.length, result.bytes);
      // Resolved from memory but for the first zstd batch on a Node without it built in.
      await loadCodec("zstd");
      return recordsOf(result, request);
    } catch (error) {
      this.#metrics.fetchFailed(CodedError.from(error).code);
      throw error;
    }
  }
}

function recordsOf(result: FetchResult, request: RecordsFetch): FetchedRecords {
  const { highWatermark, logStartOffset, leaderEpoch } = result;
  const bounds = { highWatermark, logStartOffset, leaderEpoch };
  const records: RecordView[] = [];
  let answerBytes = 0;
  for (const batch of result.batches) {
    const opened = openBatch(batch, { maxDecompressedBytes: DECOMPRESSED_BYTES_MAX });
    if (!opened.ok) {
      if (records.length > 0) return { records, nextOffset: nextAfter(records), ...bounds };
      throw new CodedError(opened.code, opened.message, { details: { offset: request.offset } });
    }
    const { cursor } = opened;
    while (cursor.next()) {
      // The first batch may begin below the offset asked for.
      if (cursor.offset < request.offset) continue;
      answerBytes += cursor.payloadBytes + RECORD_OVERHEAD_BYTES;
      const isFull = records.length >= request.maxRecords || answerBytes > ANSWER_BYTES_MAX;
      if (isFull && records.length > 0) {
        return { records, nextOffset: nextAfter(records), ...bounds };
      }
      records.push(cursor.view());
    }
    // A checksum does not say that the records inside are well-formed: what cannot be read is not
    // passed over in silence.
    if (!cursor.isCorrupt) continue;
    if (records.length > 0) return { records, nextOffset: nextAfter(records), ...bounds };
    const nextOffset = endOffsetOf(batch, 0);
    throw new CodedError(
      "CORRUPT_BATCH",
      `the records at offset ${request.offset} are malformed; go on at offset ${nextOffset}`,
      { details: { offset: request.offset, nextOffset } },
    );
  }
  return { records, nextOffset: result.nextOffset, ...bounds };
}

function nextAfter(records: readonly RecordView[]): number {
  return (records.at(-1)?.offset ?? 0) + 1;
}
