import { type Clock, CodedError } from "@stratalog/base";
import { fetchPosition } from "../core/fetch-position.ts";
import type { PartitionLimits } from "../partition-config.ts";
import type {
  FetchRequest,
  FetchResult,
  ListedOffset,
  OffsetTarget,
  ReadRequest,
} from "../ports/partition-service.ts";
import type { LogRead } from "../ports/replica-log.ts";
import type { Deadlines } from "./deadlines.ts";
import { FetchWaiters } from "./fetch-waiters.ts";
import { checkLeader, offsetOutOfRange } from "./partition-errors.ts";
import type { ReplicaState } from "./replica-state.ts";

const NO_BATCHES: readonly Uint8Array[] = [];

/**
 * The read path of a leader: fetches, waits and offset lookups. Nothing at or above the high
 * watermark is ever shown.
 */
export class Reader {
  readonly #state: ReplicaState;
  readonly #clock: Clock;
  readonly #deadlines: Deadlines;
  readonly #limits: PartitionLimits;
  readonly #waiters: FetchWaiters;
  readonly #appliedWaiters = new Set<{ readonly index: number; resolve(): void }>();

  constructor(options: {
    readonly state: ReplicaState;
    readonly clock: Clock;
    readonly deadlines: Deadlines;
    readonly limits: PartitionLimits;
  }) {
    this.#state = options.state;
    this.#clock = options.clock;
    this.#deadlines = options.deadlines;
    this.#limits = options.limits;
    this.#waiters = new FetchWaiters(options.deadlines, options.limits.fetchWaitersMax);
  }

  get waiterCount(): number {
    return this.#waiters.count;
  }

  async fetch(request: FetchRequest): Promise<FetchResult> {
    const deadlineMs = this.#clock.monotonicMs() + request.maxWaitMs;
    for (;;) {
      const committedBytes = this.#state.committedBytes;
      const result = await this.read(request);
      const waitMs = deadlineMs - this.#clock.monotonicMs();
      const isCut = result.nextOffset < result.highWatermark;
      if (result.bytes >= request.minBytes || isCut || waitMs <= 0) return result;
      const missingBytes = Math.max(1, request.minBytes - result.bytes);
      const targetBytes = committedBytes + missingBytes;
      const { signal } = request;
      // What was committed while the read was under way counts.
      if (this.#state.committedBytes >= targetBytes) continue;
      const reason = await this.#waiters.wait({ targetBytes, waitMs, signal });
      if (reason === "deadline") return this.read(request);
    }
  }

  read(request: ReadRequest): FetchResult | Promise<FetchResult> {
    checkLeader(this.#state, request.leaderEpoch);
    const { log, highWatermark } = this.#state;
    const { offset } = request;
    const position = fetchPosition(offset, {
      logStartOffset: log.logStartOffset,
      highWatermark,
      logEndOffset: log.nextOffset,
    });
    switch (position) {
      case "below-start":
        throw offsetOutOfRange(this.#state, offset);
      case "past-end":
        return this.#confirmPastEnd(offset);
      case "wait":
        return this.#result(request, { batches: NO_BATCHES, bytes: 0, nextOffset: offset });
      case "readable": {
        const maxBytes = Math.min(request.maxBytes, this.#limits.readBytesMax);
        const read = log.readBatches({ fromOffset: offset, endOffset: highWatermark, maxBytes });
        if (read instanceof Promise) return read.then((late) => this.#finish(request, late));
        return this.#finish(request, read);
      }
    }
  }

  async listOffset(target: OffsetTarget): Promise<ListedOffset> {
    checkLeader(this.#state, undefined);
    const { log, replication } = this.#state;
    if (target === "earliest") {
      return { offset: log.logStartOffset, leaderEpoch: replication.term };
    }
    if (!replication.isLeaderReady) {
      const message = `the new leader of ${this.#state.name} cannot confirm its end yet; retry`;
      throw new CodedError("OFFSET_NOT_AVAILABLE", message);
    }
    const endOffset = await this.#confirmedEnd();
    const leaderEpoch = replication.term;
    if (target === "latest") return { offset: endOffset, leaderEpoch };
    const found = await log.findByTimestamp(target.timestampMs, endOffset);
    if (found === undefined) return { offset: endOffset, leaderEpoch };
    return { offset: found.offset, timestampMs: found.timestampMs, leaderEpoch };
  }

  /** Frames were applied. */
  onApplied(): void {
    const { appliedIndex, committedBytes } = this.#state;
    if (this.#waiters.count > 0) this.#waiters.wakeThrough(committedBytes);
    for (const waiter of this.#appliedWaiters) {
      if (waiter.index <= appliedIndex) waiter.resolve();
    }
  }

  /** Leadership ended, or the replica closes: everyone looks again and finds out. */
  wakeAll(): void {
    this.#waiters.wakeAll();
    for (const waiter of this.#appliedWaiters) waiter.resolve();
  }

  /**
   * An offset past the end of the log is out of range only if this is the leader still: a deposed
   * one that does not know
   * it yet has a shorter log, and a consumer must not be reset for that.
   */
  async #confirmPastEnd(offset: number): Promise<never> {
    await this.#confirmedEnd();
    throw offsetOutOfRange(this.#state, offset);
  }

  /**
   * The high watermark after a quorum has confirmed that this replica leads: no committed record
   * is missed.
   */
  async #confirmedEnd(): Promise<number> {
    const { replication } = this.#state;
    const index = await this.#within(replication.confirmLeadership());
    if (this.#state.appliedIndex < index) await this.#within(this.#applied(index));
    checkLeader(this.#state, undefined);
    return this.#state.highWatermark;
  }

  #applied(index: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter = {
        index,
        resolve: (): void => {
          this.#appliedWaiters.delete(waiter);
          resolve();
        },
      };
      this.#appliedWaiters.add(waiter);
    });
  }

  #within<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const deadline = this.#deadlines.add(this.#limits.confirmTimeoutMs, () => {
        const message = `no majority of ${this.#state.name} confirmed its end in time; retry`;
        reject(new CodedError("OFFSET_NOT_AVAILABLE", message));
      });
      work.then(
        (value) => {
          this.#deadlines.remove(deadline);
          resolve(value);
        },
        (error: unknown) => {
          this.#deadlines.remove(deadline);
          reject(CodedError.from(error));
        },
      );
    });
  }

  #finish(request: ReadRequest, read: LogRead): FetchResult {
    if (read.kind === "below-log-start") throw offsetOutOfRange(this.#state, request.offset);
    return this.#result(request, read);
  }

  #result(
    request: ReadRequest,
    read: {
      readonly batches: readonly Uint8Array[];
      readonly bytes: number;
      readonly nextOffset: number;
    },
  ): FetchResult {
    const { log, highWatermark, replication } = this.#state;
    return {
      batches: read.batches,
      bytes: read.bytes,
      nextOffset: Math.max(request.offset, read.nextOffset),
      highWatermark,
      logStartOffset: log.logStartOffset,
      leaderEpoch: replication.term,
    };
  }
}
