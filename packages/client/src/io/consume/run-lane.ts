import { CodedError, deferred, type Deferred } from "@stratalog/base";
import type { Position } from "../../core/positions.ts";
import { deliver } from "../../core/positions.ts";
import { type Work, type WorkOrder, WorkWindow } from "../../core/work-window.ts";
import type { OpenedFeedBatch } from "../fetch/batch-queue.ts";
import { onAbort } from "../abort-watch.ts";
import { HandledRecord } from "./handled-record.ts";

/** A batch whose records are being handled; until all are, it holds its bytes of credit. */
export interface HeldBatch<Key, Value> {
  readonly batch: OpenedFeedBatch<Key, Value>;
  unfinishedCount: number;
  /** Whether every record of it was taken. */
  isTaken: boolean;
}

/** What a run has of one partition: fetched batches, and a window of records that are in work. */
export class RunLane<Key, Value> {
  readonly position: Position;
  readonly window: WorkWindow<HandledRecord<Key, Value>>;
  readonly #isKeyed: boolean;
  readonly #waiting: HeldBatch<Key, Value>[] = [];
  readonly #controller = new AbortController();
  readonly #unlink: () => void;
  #idle: Deferred<void> | undefined;
  /** Whether what it has does not count any more. */
  isGone = false;
  /** Whether it is finished with what was begun, and begins nothing more. */
  isLeaving = false;
  /** Whether its batches were given back because it is stuck. */
  isHeldBack = false;
  /** `window.doneTo` as the last look at stuck partitions found it. */
  lastDoneTo = -1;

  constructor(options: {
    readonly position: Position;
    readonly order: WorkOrder;
    readonly readAhead: number;
    /** Aborts when the partition goes. */
    readonly owned: AbortSignal;
  }) {
    const { position, order, readAhead, owned } = options;
    this.position = position;
    this.#isKeyed = order === "key";
    const offset = position.delivered;
    const onDropped = ({ batch }: HandledRecord<Key, Value>): void => this.finish(batch);
    this.window = new WorkWindow({ offset, order, limit: readAhead, onDropped });
    this.#unlink = onAbort(owned, () => this.abort(CodedError.from(owned.reason)));
  }

  /** Aborts when the outcome of its handlers does not count any more. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** A batch came. */
  hold(batch: OpenedFeedBatch<Key, Value>): void {
    this.#waiting.push({ batch, unfinishedCount: 0, isTaken: false });
  }

  /** Takes the next record into the window; undefined when it is full or there is none. */
  take(): Work<HandledRecord<Key, Value>> | undefined {
    while (this.window.hasRoom && !this.isGone) {
      const held = this.#waiting[0];
      if (held === undefined) return undefined;
      const record = held.batch.isCurrent() ? held.batch.reader.next() : undefined;
      if (record !== undefined) {
        deliver(this.position, record.position);
        held.unfinishedCount++;
        const key = this.#isKeyed ? (record.keyText() ?? undefined) : undefined;
        return this.window.add(record.position, key, new HandledRecord(record, this, held));
      }
      if (held.batch.isCurrent()) this.window.skipTo(held.batch.end);
      this.#waiting.shift();
      held.isTaken = true;
      this.#settle(held);
    }
    return undefined;
  }

  /** A record of a batch is done, or dropped, which its window tells. */
  finish(held: HeldBatch<Key, Value>): void {
    held.unfinishedCount--;
    this.#settle(held);
  }

  /** Gives back the batches whose records were not taken. */
  dropWaiting(): void {
    for (const held of this.#waiting.splice(0)) {
      held.isTaken = true;
      this.#settle(held);
    }
  }

  /** How far everything is done. */
  updatePassed(): void {
    this.position.passed = this.window.doneTo;
    if (!this.window.isIdle) return;
    this.#idle?.resolve();
    this.#idle = undefined;
  }

  /** Resolves when nothing of it is in work. */
  idle(): Promise<void> {
    if (this.window.isIdle) return Promise.resolve();
    this.#idle ??= deferred<void>();
    return this.#idle.promise;
  }

  /** Its handlers are told to stop. */
  abort(reason: CodedError): void {
    this.#controller.abort(reason);
  }

  /** What it has does not count any more. */
  discard(): void {
    this.isGone = true;
    this.window.abandon();
    this.dropWaiting();
    this.#unlink();
    this.#idle?.resolve();
  }

  /**
   * The run is done with the partition. What was never begun was not delivered, as the position
   * shows now.
   */
  retire(): void {
    this.discard();
    const { window, position } = this;
    position.delivered = Math.max(window.doneTo, window.startedTo);
  }

  /** Gives a batch's bytes back once all of its records are done with, or dropped. */
  #settle(held: HeldBatch<Key, Value>): void {
    if (held.isTaken && held.unfinishedCount === 0) held.batch.release();
  }
}
