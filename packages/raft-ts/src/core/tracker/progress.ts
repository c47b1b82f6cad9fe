import { assert } from "../assert.ts";
import type { ProgressState } from "../status.ts";
import type { ReplicaId } from "../types.ts";
import { Inflights } from "./inflights.ts";

/** The bounds of every follower's window. */
export interface WindowLimits {
  readonly maxInflightMessages: number;
  readonly maxInflightBytes: number;
}

/** What one follower's progress starts from. */
export interface ProgressStart {
  readonly id: ReplicaId;
  readonly match: number;
  readonly next: number;
  readonly isLearner: boolean;
  readonly recentActive: boolean;
  readonly limits: WindowLimits;
}

/**
 * A leader's view of one replica, and how it feeds it:
 *
 * - probe: the end of the follower's log is not known; one message at a time finds it.
 * - replicate: entries stream ahead of their acknowledgements, within the inflight window.
 * - snapshot: the follower needs entries that are gone; nothing is sent until a snapshot connects
 *   it again.
 *
 * Invariant: match < next. In state snapshot, next === pendingSnapshot + 1.
 */
export class Progress {
  readonly id: ReplicaId;
  state: ProgressState = "probe";
  match: number;
  next: number;
  isLearner: boolean;
  /** Heard from since the last quorum check. Always true for the leader itself. */
  recentActive: boolean;
  /** A message was sent whose answer decides how to go on; a heartbeat's answer lifts it too. */
  isFlowPaused = false;
  /** The next entries are being fetched into memory. */
  isReadPending = false;
  /** Index of the snapshot on its way, 0 for none. */
  pendingSnapshot = 0;
  /** Highest read sequence confirmed by a heartbeat's answer. */
  ackedReads = 0;
  readonly inflights: Inflights;
  /** Highest commit index sent and not known to be lost. */
  #sentCommit = 0;

  constructor(start: ProgressStart) {
    this.id = start.id;
    this.match = start.match;
    this.next = start.next;
    this.isLearner = start.isLearner;
    this.recentActive = start.recentActive;
    this.inflights = new Inflights(start.limits.maxInflightMessages, start.limits.maxInflightBytes);
  }

  get isPaused(): boolean {
    return this.isFlowPaused || this.isReadPending || this.state === "snapshot";
  }

  /** Starts over after the last acknowledged entry, or after a snapshot that was sent. */
  becomeProbe(): void {
    const delivered = this.state === "snapshot" ? this.pendingSnapshot : 0;
    this.#resetState("probe");
    this.next = Math.max(this.match, delivered) + 1;
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
  }

  becomeReplicate(): void {
    this.#resetState("replicate");
    this.next = this.match + 1;
  }

  becomeSnapshot(index: number): void {
    this.#resetState("snapshot");
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** An append with `count` entries from `next` on was sent. */
  sentEntries(count: number, bytes: number): void {
    assert(this.state !== "snapshot", "append sent to a replica that waits for a snapshot");
    if (this.state === "probe") {
      if (count > 0) this.isFlowPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    // With a full window this was the one message that leaks through; wait for an answer.
    this.isFlowPaused = this.inflights.isFull;
  }

  sentCommit(commit: number): void {
    this.#sentCommit = commit;
  }

  /** Whether sending `commit` now can raise the follower's commit index, given what it was sent. */
  canBumpCommit(commit: number): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** The follower acknowledged `index`. `false` when that is old news. */
  maybeUpdate(index: number): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isFlowPaused = false;
    return true;
  }

  /**
   * The follower rejected an append after `rejected` and may match at `matchHint`. `false` when the
   * rejection is stale.
   */
  maybeDecreaseTo(rejected: number, matchHint: number): boolean {
    if (this.state === "replicate") {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      // While probing one message is out at a time, so anything else is a late answer.
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, matchHint + 1), this.match + 1);
      this.isFlowPaused = false;
      this.isReadPending = false;
    }
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
    return true;
  }

  #resetState(state: ProgressState): void {
    this.state = state;
    this.isFlowPaused = false;
    this.isReadPending = false;
    this.pendingSnapshot = 0;
    this.inflights.reset();
  }
}
