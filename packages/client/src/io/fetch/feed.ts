import type { ConsumeStream } from "./consume-stream.ts";

/** One partition that is being read. The fetcher changes it; others read it. */
export interface Feed {
  readonly topic: string;
  readonly partition: number;
  /** Offset that the next push is expected to begin at. */
  position: number;
  /** End of the committed records as last heard; −1 before. */
  highWatermark: number;
  logStartOffset: number;
  leaderEpoch: number;
  /** Grows with every seek, pause and removal: what was fetched before is void. */
  generation: number;
  state: "unrouted" | "subscribed" | "paused" | "stopped" | "removed";
  subscription: number;
  brokerId: number;
  stream: ConsumeStream | undefined;
  attempts: number;
  /** Not routed again before this time, monotonic. */
  wakeAtMs: number;
  /** When its broker last said anything about it, monotonic. */
  heardMs: number;
}

/** A batch that came, for a feed as it was then. */
export interface FetchedBatch {
  readonly feed: Feed;
  readonly generation: number;
  readonly bytes: Uint8Array;
  /** First offset wanted from it. */
  readonly from: number;
  readonly stream: ConsumeStream;
  /** Bytes that it holds of the stream's credit. */
  readonly creditBytes: number;
}

/** Whether a batch is still wanted. */
export function isCurrent(batch: FetchedBatch): boolean {
  return batch.generation === batch.feed.generation;
}
