import type { ConsumedRecord } from "../../core/consumed-record.ts";
import { onAbort } from "../abort-watch.ts";
import type { HandlerContext } from "./run-options.ts";
import type { HeldBatch, RunLane } from "./run-lane.ts";

/** A record that a run has taken, until it is done. */
export class HandledRecord<Key, Value> {
  readonly record: ConsumedRecord<Key, Value>;
  readonly lane: RunLane<Key, Value>;
  readonly batch: HeldBatch<Key, Value>;
  /** Calls of its handler so far. */
  attempts = 0;
  /** When the last call began, monotonic. */
  startedMs = 0;

  constructor(
    record: ConsumedRecord<Key, Value>,
    lane: RunLane<Key, Value>,
    batch: HeldBatch<Key, Value>,
  ) {
    this.record = record;
    this.lane = lane;
    this.batch = batch;
  }
}

/** One call of a handler. The signal is made when it is asked for: most handlers never do. */
export class CallContext implements HandlerContext {
  readonly attempt: number;
  readonly #lane: AbortSignal;
  #controller: AbortController | undefined;
  #unlink: (() => void) | undefined;

  constructor(attempt: number, lane: AbortSignal) {
    this.attempt = attempt;
    this.#lane = lane;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      const controller = new AbortController();
      const abort = (): void => controller.abort(this.#lane.reason);
      this.#controller = controller;
      if (this.#lane.aborted) abort();
      else this.#unlink = onAbort(this.#lane, abort);
    }
    return this.#controller.signal;
  }

  /** The call is over: its signal aborts no more. */
  end(): void {
    this.#unlink?.();
  }
}
