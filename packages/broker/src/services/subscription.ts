import type { PartitionService } from "@stratalog/partition";

/** One partition that a consume stream reads. Owned by its session; nothing else changes it. */
export interface Subscription {
  /** The client's number for it. */
  readonly id: number;
  readonly replica: PartitionService;
  readonly leaderEpoch: number | undefined;
  /** Next offset to read. */
  offset: number;
  /** Number of the client's last seek; an answer to a read from before it is dropped. */
  generation: number;
  isPaused: boolean;
  /** A read is under way; at most one at a time, so that pushes are in order. */
  isReading: boolean;
  /** Something happened to the partition, or a seek, while the read was under way. */
  hasNews: boolean;
  /** In the session's queue of those that may have something. */
  isQueued: boolean;
  /** The client was told where the partition ends since its last subscribe or seek. */
  isAnnounced: boolean;
  stopListening: () => void;
}

/** What the client wants to read. */
export interface SubscribeRequest {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  readonly topicId?: string;
  readonly offset: number;
  readonly leaderEpoch?: number;
}

/** News of one subscription for the client. */
export type ConsumePush =
  | {
      readonly id: number;
      readonly generation: number;
      readonly batches: readonly Uint8Array[];
      readonly nextOffset: number;
      readonly highWatermark: number;
      readonly logStartOffset: number;
      readonly leaderEpoch: number;
    }
  | { readonly id: number; readonly generation: number; readonly error: unknown };
