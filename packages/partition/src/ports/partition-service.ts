/**
 * A partition as the broker's services see it. `PartitionReplica` implements it; services need
 * nothing else.
 * Every rejection is a `CodedError`. A batch handed in belongs to the partition: it is patched in
 * place and kept.
 */
export interface PartitionService {
  readonly isLeader: boolean;
  /** Raft term that this replica is in, which clients see as the leader epoch. */
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  produce(request: ProduceRequest): Promise<ProduceResult>;
  /**
   * Waits up to `maxWaitMs` for `minBytes`; answers with what there is then, which may be
   * nothing.
   */
  fetch(request: FetchRequest): Promise<FetchResult>;
  /**
   * What there is now, without waiting; in the same turn when all of it is in memory. Throws or
   * rejects like fetch.
   */
  read(request: ReadRequest): FetchResult | Promise<FetchResult>;
  /**
   * Calls back whenever `read` may answer differently: the high watermark moved, leadership went,
   * the replica closed.
   * Once per turn at most. Returns how to stop.
   */
  onAvailable(callback: () => void): () => void;
  /**
   * latest is confirmed by a quorum. By time: the first record at or after it, or the end without
   * a timestamp.
   */
  listOffset(target: OffsetTarget): Promise<ListedOffset>;
  describe(): PartitionDescription;
}

export type Acks = "all" | "leader" | "none";

export interface ProduceRequest {
  /** One RecordBatch v2, uncompressed or not. */
  readonly batch: Uint8Array;
  readonly acks: Acks;
  /** Refuses with WRONG_EXPECTED_OFFSET when the partition does not end here. */
  readonly expectedOffset?: number;
  /** The leader epoch that the client knows. */
  readonly leaderEpoch?: number;
  readonly timeoutMs: number;
}

export interface ProduceResult {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly logStartOffset: number;
  /** The batch had been stored before; `baseOffset` is where. */
  readonly duplicate: boolean;
}

export interface ReadRequest {
  readonly offset: number;
  readonly maxBytes: number;
  readonly leaderEpoch?: number;
}

export interface FetchRequest extends ReadRequest {
  readonly minBytes: number;
  readonly maxWaitMs: number;
  readonly signal?: AbortSignal;
}

export interface FetchResult {
  /** Whole batches in order; the first may begin below the offset asked for. */
  readonly batches: readonly Uint8Array[];
  readonly bytes: number;
  /** Offset after the last batch, or the offset asked for. */
  readonly nextOffset: number;
  readonly highWatermark: number;
  readonly logStartOffset: number;
  readonly leaderEpoch: number;
}

export type OffsetTarget = "earliest" | "latest" | { readonly timestampMs: number };

export interface ListedOffset {
  readonly offset: number;
  readonly timestampMs?: number;
  readonly leaderEpoch: number;
}

export interface PartitionDescription {
  readonly isLeader: boolean;
  readonly leaderEpoch: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly sizeBytes: number;
  readonly producerCount: number;
  readonly pendingAppendCount: number;
  readonly pendingAppendBytes: number;
  readonly fetchWaiterCount: number;
}
