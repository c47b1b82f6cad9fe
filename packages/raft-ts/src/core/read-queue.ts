import { jointCommitted, type JointVoters } from "./quorum/joint.ts";
import type { AckedIndexes } from "./quorum/majority.ts";
import type { ProgressList } from "./tracker/progress-list.ts";
import type { ReadContext, ReplicaId } from "./types.ts";

/** A read that a replica asked this leader for. */
export interface ReadRequest {
  readonly from: ReplicaId;
  readonly context: ReadContext;
}

/**
 * A read with the commit index at the time it was asked; that index is the answer once a quorum
 * confirms.
 */
export interface PendingRead extends ReadRequest {
  readonly index: number;
}

/**
 * Reads of one leader's term. They are numbered as they come; a heartbeat carries the number of the
 * last one, and a voter's answer confirms the leader for all reads up to that number. So the
 * quorum's number is computed like a commit index, without a set of acknowledgements per read.
 */
export class ReadQueue implements AckedIndexes {
  readonly #progress: ProgressList;
  /** Asked before an entry of this term was committed: their index is not known yet. */
  #deferred: ReadRequest[] = [];
  #waiting: PendingRead[] = [];
  /** How many reads were confirmed and left `#waiting`. */
  #confirmedCount = 0;

  constructor(progress: ProgressList) {
    this.#progress = progress;
  }

  get size(): number {
    return this.#deferred.length + this.#waiting.length;
  }

  /** Number that a heartbeat carries to confirm all reads so far; 0 when none waits. */
  get sequence(): number {
    return this.#waiting.length === 0 ? 0 : this.#confirmedCount + this.#waiting.length;
  }

  ackedIndex(id: ReplicaId): number | undefined {
    return this.#progress.find(id)?.ackedReads;
  }

  defer(request: ReadRequest): void {
    this.#deferred.push(request);
  }

  takeDeferred(): readonly ReadRequest[] {
    const taken = this.#deferred;
    this.#deferred = [];
    return taken;
  }

  add(read: PendingRead): void {
    this.#waiting.push(read);
  }

  /** Takes the reads that a quorum of `config` has confirmed. */
  takeConfirmed(config: JointVoters): readonly PendingRead[] {
    const confirmed = Math.min(
      jointCommitted(config, this),
      this.#confirmedCount + this.#waiting.length,
    );
    if (confirmed <= this.#confirmedCount) return [];
    const taken = this.#waiting.splice(0, confirmed - this.#confirmedCount);
    this.#confirmedCount = confirmed;
    return taken;
  }
}
