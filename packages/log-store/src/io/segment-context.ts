import type { Clock } from "@stratalog/base";
import type { SegmentLimits } from "../core/roll-policy.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { Gate } from "./gate.ts";
import type { HandleCache } from "./handle-cache.ts";
import type { IndexCache } from "./index-cache.ts";
import type { ReadBuffers } from "./read-buffers.ts";

/** What all segments of a data directory share. */
export interface SegmentResources {
  readonly fileSystem: FileSystem;
  readonly handles: HandleCache;
  readonly indexes: IndexCache;
  /**
   * Bounds the reads that may wait for the disk at once, so that the WAL's sync never queues behind
   * them.
   */
  readonly readGate: Gate;
  readonly readBuffers: ReadBuffers;
  readonly clock: Clock;
  /** Bytes of segment between two rows of its index. */
  readonly indexIntervalBytes: number;
  /** A number that no segment before had. */
  nextIdentity(): number;
}

/** What all segments of one group share. */
export interface SegmentContext extends SegmentResources {
  readonly group: number;
  readonly replicaEpoch: number;
  /** The group's directory. */
  readonly directory: string;
  /** Limits for the next roll; topic configuration may replace them. */
  limits: SegmentLimits;
}
