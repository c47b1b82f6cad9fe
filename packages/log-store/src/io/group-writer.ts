import type { KeyValueChange } from "@stratalog/base";
import {
  encodeCheckpoint,
  type GroupCheckpoint,
  groupKey,
  segmentKey,
} from "../core/checkpoint-format.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import type { GroupState } from "../core/group-state.ts";
import type { StoredHardState } from "../core/hard-state.ts";
import { LogShape } from "../core/log-shape.ts";
import { netChange, type NetChange } from "../core/pending-changes.ts";
import { FileSystemError } from "../ports/file-system.ts";
import { Gate } from "./gate.ts";
import type { Segment } from "./segment.ts";
import type { SegmentSet } from "./segment-set.ts";

/** The durable end of the WAL, as one group sees it. */
export interface DurablePoint {
  readonly batch: number;
  hardStateOf(group: number): StoredHardState;
}

/** Bytes of one group that may be in segments without a sync before one is begun. */
const EARLY_SYNC_BYTES = 8 * 1024 * 1024;

/** taken: everything durable is in segments now; full: the disk is, try again later. */
export type FlushOutcome = "taken" | "full";

/**
 * The disk side of one group: hands durable changes to the segments and makes checkpoints of them,
 * one at a time.
 *
 * Invariant: `#flushedShape` describes exactly the frames in the segments, which are the log after
 * every WAL batch up to the one of the last flush.
 */
export class GroupWriter {
  readonly #descriptor: GroupDescriptor;
  readonly #state: GroupState;
  readonly #segments: SegmentSet;
  readonly #durable: DurablePoint;
  readonly #flushedShape: LogShape;
  readonly #serial = new Gate(1);
  /** Segments that are out of the log; removed once a checkpoint without them is durable. */
  #detached: Segment[] = [];
  #awaitingRemoval: Segment[] = [];
  /**
   * Oldest WAL batch with a change that no durable checkpoint has, and the same after the
   * checkpoint under way.
   */
  #dirtyFrom: number | undefined;
  #dirtyAfter: number | undefined;
  #hasNewFacts = false;
  #unsyncedBytes = 0;

  constructor(parts: {
    readonly descriptor: GroupDescriptor;
    readonly state: GroupState;
    readonly segments: SegmentSet;
    readonly durable: DurablePoint;
  }) {
    this.#descriptor = parts.descriptor;
    this.#state = parts.state;
    this.#segments = parts.segments;
    this.#durable = parts.durable;
    this.#flushedShape = new LogShape(parts.state.group, parts.state.shape.bounds());
  }

  /** Oldest WAL batch that recovery would need for this group; undefined for none. */
  get dirtyFrom(): number | undefined {
    return this.#dirtyFrom;
  }
  /** The same once the prepared checkpoint is durable. */
  get dirtyAfterCheckpoint(): number | undefined {
    return this.#dirtyAfter;
  }
  get needsCheckpoint(): boolean {
    return this.#dirtyFrom !== undefined || this.#hasNewFacts;
  }

  /** A change of the group went into a WAL batch. */
  changed(batch: number): void {
    this.#dirtyFrom ??= batch;
    this.#dirtyAfter ??= batch;
  }

  /** Facts outside the WAL changed: log start, damage. */
  factsChanged(): void {
    this.#hasNewFacts = true;
  }

  /** Writes what is durable in the WAL to the segments, without a sync. */
  flush(): Promise<FlushOutcome> {
    return this.#serial.run(() => this.#flush(this.#durable.batch));
  }

  async #flush(throughBatch: number): Promise<FlushOutcome> {
    const changes = this.#state.takePending(throughBatch);
    if (changes.length === 0) return "taken";
    const net = netChange(changes);
    try {
      await this.#segments.take(net);
    } catch (error) {
      if (!(error instanceof FileSystemError && error.code === "ENOSPC")) throw error;
      this.#state.giveBack(changes);
      return "full";
    }
    this.#unsyncedBytes += net.frameBytes;
    this.#reshape(net);
    this.#state.flushed(this.#flushedShape.lastIndex, net.frameBytes);
    return "taken";
  }

  #reshape(net: NetChange): void {
    const shape = this.#flushedShape;
    if (net.reset !== undefined) shape.reset(net.reset);
    if (net.truncate !== undefined && net.truncate.from <= shape.lastIndex) {
      shape.truncateSuffix(net.truncate.from, net.truncate.nextOffset);
    }
    for (const frame of net.frames) shape.append(frame);
  }

  /** Whether so much waits for a checkpoint's sync that it should begin before. */
  get shouldSyncEarly(): boolean {
    return this.#unsyncedBytes >= EARLY_SYNC_BYTES;
  }

  /**
   * Syncs the newest segment, so that a checkpoint finds little to do and does not stall the WAL.
   */
  async syncEarly(): Promise<void> {
    this.#unsyncedBytes = 0;
    await this.#segments.list.at(-1)?.sync();
  }

  /**
   * Flushes, syncs files and directory, and gives the changes for the checkpoint store. The
   * checkpoint counts once those are synced there: then call `completeCheckpoint`.
   */
  prepareCheckpoint(): Promise<readonly KeyValueChange[] | "full"> {
    return this.#serial.run(async () => {
      // Taken together, before anything is awaited: they describe the log at one and the same
      // batch.
      const { batch } = this.#durable;
      const hardState = this.#durable.hardStateOf(this.#state.group);
      this.#dirtyAfter = undefined;
      const outcome = await this.#flush(batch);
      if (outcome === "full") return "full";
      this.#dirtyAfter = this.#state.oldestPendingBatch ?? this.#dirtyAfter;
      this.#hasNewFacts = false;
      this.#awaitingRemoval = this.#detached;
      this.#detached = [];
      const checkpoint = this.#checkpoint(batch, hardState);
      const { put, removed } = this.#segments.takeChanges();
      this.#unsyncedBytes = 0;
      await this.#segments.sync();
      const { group } = this.#state;
      const changes: KeyValueChange[] = [];
      for (const base of removed) changes.push({ type: "delete", key: segmentKey(group, base) });
      for (const facts of put) {
        const key = segmentKey(group, facts.baseIndex);
        changes.push({ type: "put", key, value: encodeCheckpoint(facts) });
      }
      changes.push({ type: "put", key: groupKey(group), value: encodeCheckpoint(checkpoint) });
      return changes;
    });
  }

  #checkpoint(batch: number, hardState: StoredHardState): GroupCheckpoint {
    const bounds = this.#flushedShape.bounds();
    return {
      descriptor: this.#descriptor,
      batch,
      ...bounds,
      logStartOffset: Math.min(this.#state.logStartOffset, bounds.nextOffset),
      droppableIndex: this.#state.droppableIndex,
      hardState: { ...hardState, commit: Math.min(hardState.commit, bounds.lastIndex) },
      ...(this.#state.damage === undefined ? {} : { damage: this.#state.damage }),
    };
  }

  /** The prepared checkpoint is durable: files that only the one before it needed may go. */
  async completeCheckpoint(): Promise<void> {
    this.#dirtyFrom = this.#dirtyAfter;
    const removable = this.#awaitingRemoval;
    this.#awaitingRemoval = [];
    for (const segment of removable) await segment.remove();
  }

  /** Takes the segments out of the log that hold nothing above what may be removed. */
  detachPrefix(first: number, firstOffset: number): void {
    this.#detached.push(...this.#segments.detachPrefix(first));
    this.#flushedShape.truncatePrefix(first, firstOffset);
    this.#state.truncatePrefix(first, firstOffset);
    this.#hasNewFacts = true;
  }

  /** Waits for what is under way; nothing is written afterwards. */
  async drained(): Promise<void> {
    await this.#serial.run(() => Promise.resolve());
  }
}
