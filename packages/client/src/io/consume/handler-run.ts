import { CodedError, deferred, type Deferred, type Timer } from "@stratalog/base";
import { retryDelayMs } from "../../core/retry-policy.ts";
import { partitionKey } from "../../core/topic-partition.ts";
import type { Work } from "../../core/work-window.ts";
import { WorkScheduler } from "../../core/work-scheduler.ts";
import type { Cluster } from "../cluster.ts";
import type { Scope } from "../scope.ts";
import type { BatchSource, OwnedBatch } from "./batch-source.ts";
import type { CommitOffset } from "./committer.ts";
import type { DeadLetterSink } from "./dead-letter-sink.ts";
import { CallContext, type HandledRecord } from "./handled-record.ts";
import type { PartitionReader } from "./partition-reader.ts";
import type { PartitionTable } from "./partition-table.ts";
import { RunLane } from "./run-lane.ts";
import type { RecordHandler, RunSettings } from "./run-options.ts";

/** What a run works with. */
export interface HandlerRunOptions<Key, Value> {
  readonly cluster: Cluster;
  readonly scope: Scope;
  readonly source: BatchSource<Key, Value>;
  readonly table: PartitionTable;
  readonly settings: RunSettings;
  readonly handler: RecordHandler<Key, Value>;
  readonly deadLetters: DeadLetterSink | undefined;
  /** Ends the run. */
  readonly signal: AbortSignal | undefined;
}

type RecordWork<Key, Value> = Work<HandledRecord<Key, Value>>;

/** A partition that has not moved for this long, with a full window, gives its batches back. */
const STUCK_MS = 1_000;

/**
 * Calls a handler for every record of a consumer's partitions, several at a time, in the order that
 * was asked for. What the partition's position counts as passed is always a prefix that is done.
 */
export class HandlerRun<Key, Value> implements PartitionReader {
  readonly #cluster: Cluster;
  readonly #options: HandlerRunOptions<Key, Value>;
  readonly #scheduler: WorkScheduler<HandledRecord<Key, Value>>;
  readonly #lanes = new Map<string, RunLane<Key, Value>>();
  /** What waits for its next attempt. */
  readonly #backoffs = new Map<RecordWork<Key, Value>, Timer>();
  /** Aborts when nothing more is begun. */
  readonly #stop = new AbortController();
  #failure: unknown;
  #isStarting = false;
  #quiet: Deferred<void> | undefined;
  #stuckTimer: Timer | undefined;

  constructor(options: HandlerRunOptions<Key, Value>) {
    this.#cluster = options.cluster;
    this.#options = options;
    this.#scheduler = new WorkScheduler(options.settings.concurrency);
  }

  /** Runs until the consumer closes, the signal aborts or a record cannot be dealt with. */
  async run(): Promise<void> {
    const { source, signal } = this.#options;
    this.#watchStuck();
    const onAbort = (): void => this.#stop.abort();
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      if (signal?.aborted === true) onAbort();
      for (;;) {
        const taken = await source.next(this.#stop.signal);
        if (taken === undefined) break;
        this.#hold(taken);
      }
    } catch (error) {
      // Our own stop is no failure: what stopped it is, or the caller's signal.
      if (!this.#stop.signal.aborted) this.#fail(error);
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    await this.finish();
    if (this.#failure !== undefined) throw this.#failure;
    if (signal?.aborted === true) this.#options.scope.check(signal);
  }

  /** Begins nothing more; resolves when what was begun is over, or has been told to stop. */
  async finish(): Promise<void> {
    this.#stop.abort();
    this.#stuckTimer?.cancel();
    await this.leave(new Set(this.#lanes.keys()), this.#failure === undefined ? "drain" : "end");
    for (const timer of this.#backoffs.values()) timer.cancel();
    this.#backoffs.clear();
  }

  async leave(keys: ReadonlySet<string>, how: "drain" | "end" = "drain"): Promise<void> {
    const lanes = [...keys].flatMap((key) => this.#lanes.get(key) ?? []);
    for (const lane of lanes) {
      lane.dropWaiting();
      lane.isLeaving = true;
      if (how === "drain") lane.window.close();
      else lane.window.abandon();
      this.#scheduler.unpause(lane.window);
      lane.updatePassed();
    }
    // Nobody waits for the next attempt: it is made now, and it is the last one here.
    for (const work of this.#backoffs.keys()) if (work.item.lane.isLeaving) this.#resume(work);
    this.#startReady();
    const idle = Promise.all(lanes.map((lane) => lane.idle()));
    const drained = new AbortController();
    const patience = this.#options.scope
      .sleep(this.#options.settings.drainTimeoutMs, drained.signal)
      .catch(() => {
        // Idle in time, or the consumer was closed.
      });
    await Promise.race([idle, patience]);
    drained.abort();
    for (const lane of lanes.filter(({ isGone }) => !isGone)) {
      lane.abort(new CodedError("ABORTED", `the consumer gives ${partitionKey(lane.position)} up`));
      lane.window.abandon();
      lane.updatePassed();
    }
    // The end of a run waits for nobody who does not listen; a partition has one owner at a time.
    if (!this.#stop.signal.aborted) await idle;
    for (const lane of lanes) this.#forget(lane, () => !lane.isGone && lane.retire());
  }

  drop(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane !== undefined) this.#forget(lane, () => lane.discard());
  }

  lose(key: string): void {
    const lane = this.#lanes.get(key);
    lane?.abort(new CodedError("ABORTED", `the consumer does not have ${key} any more`));
    this.drop(key);
  }

  pause(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    this.#scheduler.pause(lane.window);
    lane.dropWaiting();
  }

  resume(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    this.#scheduler.unpause(lane.window);
    this.#startReady();
  }

  heldMs(): number {
    const nowMs = this.#nowMs();
    let oldestMs = nowMs;
    for (const { item } of this.#scheduler.running) {
      if (!item.lane.isGone) oldestMs = Math.min(oldestMs, item.startedMs);
    }
    return nowMs - oldestMs;
  }

  async idle(): Promise<void> {
    while (this.#scheduler.running.size > 0) {
      this.#quiet ??= deferred<void>();
      await this.#quiet.promise;
    }
  }

  /** Refuses to commit past a record that is not done; INVALID_REQUEST. */
  check(offsets: readonly CommitOffset[]): void {
    for (const { topic, partition, offset } of offsets) {
      const lane = this.#lanes.get(partitionKey({ topic, partition }));
      if (lane === undefined || lane.window.isDoneUpTo(offset - 1)) continue;
      throw new CodedError(
        "INVALID_REQUEST",
        `${topic}/${partition} is done up to ${lane.window.doneTo}; offset ${offset} would pass ` +
          "records whose handlers have not finished",
      );
    }
  }

  #hold(taken: OwnedBatch<Key, Value>): void {
    const lane = this.#laneOf(taken);
    lane.hold(taken.batch);
    this.#fill(lane);
    this.#startReady();
  }

  #laneOf({ position }: OwnedBatch<Key, Value>): RunLane<Key, Value> {
    const key = partitionKey(position);
    const known = this.#lanes.get(key);
    if (known?.position === position) return known;
    const { settings, table } = this.#options;
    const { orderBy: order, readAhead } = settings;
    const owned = table.signalOf(position);
    const lane = new RunLane<Key, Value>({ position, order, readAhead, owned });
    this.#lanes.set(key, lane);
    return lane;
  }

  /** Takes what fits into the lane's window. A record that cannot be read ends the run. */
  #fill(lane: RunLane<Key, Value>): void {
    if (this.#stop.signal.aborted || lane.window.isPaused) return;
    try {
      for (let work = lane.take(); work !== undefined; work = lane.take()) {
        this.#scheduler.offer(work);
      }
    } catch (error) {
      this.#fail(error);
      return;
    }
    lane.updatePassed();
    if (!lane.isHeldBack || lane.hasWaiting || !lane.window.hasRoom || lane.isGone) return;
    lane.isHeldBack = false;
    this.#options.table.resume(lane.position, "run");
  }

  /** Handlers that return at once make room at once: the loop is here, and not in them. */
  #startReady(): void {
    if (this.#isStarting) return;
    this.#isStarting = true;
    const { breather } = this.#options.source;
    for (let work = this.#scheduler.next(); work !== undefined; work = this.#scheduler.next()) {
      this.#call(work);
      if (!breather.isDue) continue;
      void breather.take().finally(() => {
        this.#isStarting = false;
        this.#startReady();
      });
      return;
    }
    this.#isStarting = false;
  }

  #call(work: RecordWork<Key, Value>): void {
    const { item } = work;
    item.attempts++;
    item.startedMs = this.#nowMs();
    const context = new CallContext(item.attempts, item.lane.signal);
    let outcome: unknown;
    try {
      outcome = this.#options.handler(item.record, context);
    } catch (error) {
      context.end();
      this.#onFailed(work, error);
      return;
    }
    if (!isThenable(outcome)) {
      context.end();
      this.#onDone(work);
      return;
    }
    Promise.resolve(outcome).then(
      () => {
        context.end();
        this.#onDone(work);
      },
      (error: unknown) => {
        context.end();
        this.#onFailed(work, error);
      },
    );
  }

  #onDone(work: RecordWork<Key, Value>): void {
    const { lane } = work.item;
    // It was told to stop: whether it did all before it did so, nobody knows.
    if (lane.isGone || lane.signal.aborted) {
      this.#leaveUndone(work);
      return;
    }
    this.#scheduler.finish(work);
    lane.finish(work.item.batch);
    this.#afterwards(lane);
  }

  #onFailed(work: RecordWork<Key, Value>, error: unknown): void {
    const { lane, record, attempts } = work.item;
    const { settings, deadLetters } = this.#options;
    // It was told to stop, or nobody waits for what it does.
    if (lane.isGone || lane.signal.aborted || this.#failure !== undefined) {
      this.#leaveUndone(work);
      return;
    }
    const { random } = this.#cluster.environment;
    const delayMs = retryDelayMs(settings.retry, { attempt: attempts, error }, random);
    if (delayMs !== undefined) {
      if (lane.isLeaving) this.#leaveUndone(work);
      else this.#retryAfter(work, delayMs);
      return;
    }
    if (deadLetters === undefined) {
      this.#giveUp(work, error);
      return;
    }
    // Not the handler's time any more.
    work.item.startedMs = Number.POSITIVE_INFINITY;
    deadLetters.send(record, { error, attempts }).then(
      () => this.#onDone(work),
      (failure: unknown) => this.#giveUp(work, failure),
    );
  }

  #retryAfter(work: RecordWork<Key, Value>, delayMs: number): void {
    this.#scheduler.suspend(work);
    const again = (): void => {
      this.#resume(work);
      this.#startReady();
    };
    this.#backoffs.set(work, this.#cluster.environment.timers.after(delayMs, again));
    this.#startReady();
  }

  #resume(work: RecordWork<Key, Value>): void {
    this.#backoffs.get(work)?.cancel();
    this.#backoffs.delete(work);
    this.#scheduler.resume(work);
  }

  /** Whoever has the partition next begins with it. */
  #leaveUndone(work: RecordWork<Key, Value>): void {
    this.#scheduler.discard(work);
    this.#afterwards(work.item.lane);
  }

  /** The record cannot be dealt with, so nothing may pass it. */
  #giveUp(work: RecordWork<Key, Value>, error: unknown): void {
    const isOver = work.item.lane.isGone || work.item.lane.signal.aborted;
    if (!isOver) this.#fail(error);
    this.#leaveUndone(work);
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#stop.abort();
    for (const lane of this.#lanes.values()) lane.window.abandon();
  }

  /** A work has ended, one way or another: its room is free. */
  #afterwards(lane: RunLane<Key, Value>): void {
    if (!lane.isGone) {
      lane.updatePassed();
      this.#fill(lane);
    }
    if (this.#scheduler.running.size === 0) {
      this.#quiet?.resolve();
      this.#quiet = undefined;
    }
    this.#startReady();
  }

  #forget(lane: RunLane<Key, Value>, end: () => unknown): void {
    const key = partitionKey(lane.position);
    if (this.#lanes.get(key) === lane) this.#lanes.delete(key);
    end();
  }

  /** A partition that is stuck must not hold the bytes that others could be sent. */
  #watchStuck(): void {
    this.#stuckTimer = this.#cluster.environment.timers.after(STUCK_MS, () => this.#watchStuck());
    const { table } = this.#options;
    const isAlone = table.positions().length < 2;
    for (const lane of this.#lanes.values()) {
      const { window, position } = lane;
      const isStuck = window.doneTo === lane.lastDoneTo && !window.hasRoom && lane.hasWaiting;
      lane.lastDoneTo = window.doneTo;
      if (!isStuck || isAlone || table.get(position) !== position) continue;
      lane.isHeldBack = true;
      table.pause(position, "run");
      lane.dropWaiting();
    }
  }

  #nowMs(): number {
    return this.#cluster.environment.clock.monotonicMs();
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
