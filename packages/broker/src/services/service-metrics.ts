import type { ErrorCode } from "@stratalog/base";

/**
 * What services count. No call of it is per record, and none has a partition: that would not be
 * bounded.
 */
export interface ServiceMetrics {
  /** A batch was answered with success. */
  appended(bytes: number, durationMs: number): void;
  appendFailed(code: ErrorCode): void;
  /** Batches went out to a consumer. */
  fetched(batchCount: number, bytes: number): void;
  fetchFailed(code: ErrorCode): void;
  /** Said once: where the bytes of batches in flight can be read. */
  watchInflightBytes(read: () => number): void;
}

/** Counts nothing. */
export const noServiceMetrics: ServiceMetrics = {
  appended: () => {},
  appendFailed: () => {},
  fetched: () => {},
  fetchFailed: () => {},
  watchInflightBytes: () => {},
};
