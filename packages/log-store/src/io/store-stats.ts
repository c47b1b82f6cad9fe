/** Figures for metrics. */
export interface LogStoreStats {
  readonly walSyncs: number;
  readonly walBytes: number;
  readonly walQueuedBytes: number;
  readonly walFiles: number;
  /** The batch that waits for the disk now; undefined while none does. */
  readonly walBatchUnderWay: number | undefined;
  readonly lastSyncMs: number;
  readonly maxSyncMs: number;
  readonly sumSyncMs: number;
  readonly pinnedBytes: number;
  readonly tailCacheBytes: number;
  readonly openFiles: number;
  readonly isOverloaded: boolean;
  readonly isDiskFull: boolean;
}
