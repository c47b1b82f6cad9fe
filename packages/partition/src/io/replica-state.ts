import { assert, present } from "@stratalog/base";
import type { ReplicaLog } from "../ports/replica-log.ts";
import type { Replication } from "../ports/replication.ts";

/**
 * What the parts of one replica share.
 * Invariants: highWatermark ≤ the log's end, and ≤ appliedEndOffset; none of these, nor
 * appliedIndex, ever goes back.
 */
export class ReplicaState {
  readonly topic: string;
  readonly partition: number;
  readonly log: ReplicaLog;
  #replication: Replication | undefined;
  #highWatermark: number;
  #appliedIndex: number;
  #appliedEndOffset: number;
  /** Bytes of data frames that were committed in this life: what fetch waiters count in. */
  committedBytes = 0;
  isClosed = false;

  constructor(options: {
    readonly topic: string;
    readonly partition: number;
    readonly log: ReplicaLog;
    readonly appliedIndex: number;
    readonly appliedEndOffset: number;
  }) {
    this.topic = options.topic;
    this.partition = options.partition;
    this.log = options.log;
    this.#appliedIndex = options.appliedIndex;
    this.#appliedEndOffset = options.appliedEndOffset;
    // What was applied is committed; after a crash the local log may end before it and then catches
    // up.
    this.#highWatermark = Math.min(options.appliedEndOffset, options.log.nextOffset);
  }

  /** How the replica is called in messages. */
  get name(): string {
    return `${this.topic}/${this.partition}`;
  }

  get replication(): Replication {
    return present(this.#replication, `Raft group of ${this.name}`);
  }

  attach(replication: Replication): void {
    assert(this.#replication === undefined, `${this.name} has its Raft group already`);
    this.#replication = replication;
  }

  get isLeader(): boolean {
    return !this.isClosed && this.#replication?.role === "leader";
  }

  /** End offset of what is known to be committed. */
  get highWatermark(): number {
    return this.#highWatermark;
  }

  /** Index of the last entry that producer state and the rest of what is derived stand for. */
  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** End offset after that entry. */
  get appliedEndOffset(): number {
    return this.#appliedEndOffset;
  }

  /**
   * An entry was applied; `endOffset` is the offset after it. Says whether records became
   * visible.
   */
  advance(index: number, endOffset: number): boolean {
    this.#appliedIndex = Math.max(this.#appliedIndex, index);
    this.#appliedEndOffset = Math.max(this.#appliedEndOffset, endOffset);
    if (endOffset <= this.#highWatermark) return false;
    this.#highWatermark = endOffset;
    return true;
  }
}
