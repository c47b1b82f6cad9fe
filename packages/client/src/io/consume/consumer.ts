import { CodedError } from "@stratalog/base";
import type { ConsumedBatch } from "../../core/consumed-batch.ts";
import { ConsumedRecord } from "../../core/consumed-record.ts";
import { fromPublicOffset, toPublicOffset } from "../../core/public-offset.ts";
import { partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { BatchQueue } from "../fetch/batch-queue.ts";
import type { Feed } from "../fetch/feed.ts";
import { listOffsets } from "../list-offsets.ts";
import { Scope } from "../scope.ts";
import { BatchSource } from "./batch-source.ts";
import { innerOffset, offsetAfter } from "./committer.ts";
import { ConsumerEvents, type ConsumerListener } from "./consumer-events.ts";
import {
  type ConsumerOffset,
  type OffsetCommit,
  type ConsumerOptions,
  type ConsumerPosition,
  type ConsumerSettings,
  consumerSettings,
  type SeekTime,
} from "./consumer-options.ts";
import { DeadLetterSink } from "./dead-letter-sink.ts";
import { Hand } from "./hand.ts";
import { HandlerRun } from "./handler-run.ts";
import { PartitionOwner } from "./partition-owner.ts";
import { PartitionTable } from "./partition-table.ts";
import { RecordLoop } from "./record-loop.ts";
import { type RunOptions, runSettings } from "./run-options.ts";
import { resetOffsets } from "./start-offsets.ts";

const CLOSE_TIMEOUT_MS = 5_000;
/** Part of the time to close that handlers get; the rest is for the last commit and the leave. */
const DRAIN_SHARE = 0.6;

/**
 * Reads topics as a member of a group, or partitions that it is told to. Iterate it: `for await
 * (const record of consumer)`, or `consumer.batches()`; or have a handler called, several at a time
 * and with retries: `consumer.run`. One of them at a time. What is done is committed: in a loop a
 * record is done when the loop asks for the next one. Made by `Stratalog.consumer`.
 */
export class Consumer<Key = Uint8Array, Value = Uint8Array>
  implements AsyncIterable<ConsumedRecord<Key, Value>>, AsyncDisposable
{
  readonly #cluster: Cluster;
  readonly #scope: Scope;
  readonly #settings: ConsumerSettings;
  readonly #signal: AbortSignal | undefined;
  readonly #queue: BatchQueue<Key, Value>;
  readonly #table: PartitionTable;
  readonly #hand: Hand;
  readonly #events = new ConsumerEvents();
  readonly #owner: PartitionOwner;
  readonly #source: BatchSource<Key, Value>;
  readonly #loop: RecordLoop<Key, Value>;
  #run: { readonly reader: HandlerRun<Key, Value>; readonly over: Promise<void> } | undefined;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: ConsumerOptions<Key, Value>) {
    this.#cluster = cluster;
    this.#settings = consumerSettings(options);
    this.#signal = options.signal;
    const settings = this.#settings;
    const scope = new Scope("consumer", cluster.environment.timers, cluster.scope);
    this.#scope = scope;
    const queue = new BatchQueue<Key, Value>({
      cluster,
      scope,
      bufferBytes: settings.bufferBytes,
      serdes: { key: options.key, value: options.value },
      endOf: () => Number.POSITIVE_INFINITY,
      onData: () => {},
      onOutOfRange: (feed, error) => void this.#reset(feed, error),
    });
    this.#queue = queue;
    const table = new PartitionTable(queue.fetcher);
    this.#table = table;
    this.#hand = new Hand(cluster.environment.clock);
    const owner = new PartitionOwner(cluster, {
      settings,
      scope,
      table,
      events: this.#events,
      reader: this.#hand,
      wake: () => queue.wake(),
      fail: (error) => queue.fail(error),
    });
    this.#owner = owner;
    const commitsAhead = settings.commit === "before";
    const { environment } = cluster;
    this.#source = new BatchSource({ environment, scope, queue, table, owner, commitsAhead });
    this.#loop = new RecordLoop({
      source: this.#source,
      table,
      hand: this.#hand,
      signal: this.#signal,
      isClosing: () => owner.isClosing,
      commitsAhead,
      check: () => this.#checkFree(),
    });
    scope.onClose(() => {
      table.abortAll(scope.closedError());
      queue.wake();
    });
  }

  /** Resolves when the consumer is closed, for whatever reason. */
  get closed(): Promise<void> {
    return this.#scope.closed;
  }

  /** The partitions that it has now. */
  get assignment(): readonly TopicPartition[] {
    return this.#table.partitions();
  }

  /** How far it is in each of its partitions. */
  get positions(): readonly ConsumerPosition[] {
    return this.#table.positions().map(({ topic, partition, delivered }) => {
      const lag = this.#table.lagOf({ topic, partition });
      return {
        topic,
        partition,
        offset: toPublicOffset(delivered),
        lag: lag === undefined ? undefined : toPublicOffset(lag),
      };
    });
  }

  /**
   * Calls `listener` when partitions come ("assigned") or go ("revoked": "moved", after the loop
   * has left them and what it passed is committed, or "lost", when they may be somebody else's
   * already). Going waits for what it returns. Gives a function that ends that.
   */
  on(event: "assigned" | "revoked", listener: ConsumerListener): () => void {
    return this.#events.on(event, listener);
  }

  [Symbol.asyncIterator](): AsyncIterator<ConsumedRecord<Key, Value>> {
    return this.#loop.records();
  }

  /** The records by batches, as they come: the fast way. A batch is passed as a whole. */
  batches(): AsyncGenerator<ConsumedBatch<Key, Value>, void, void> {
    return this.#loop.batches();
  }

  /**
   * Calls a handler for every record, up to `concurrency` at a time, in the order that `orderBy`
   * keeps. A record is done when its handler is; one that fails is tried again, then copied to the
   * dead-letter topic, or the run ends with its error. Only a prefix that is done is committed.
   * Resolves when the consumer closes, after handlers in flight have finished.
   */
  run(options: RunOptions<Key, Value>): Promise<void> {
    const settings = runSettings(options, this.#settings.commit);
    this.#checkFree();
    const { group } = this.#settings;
    const { deadLetter } = settings;
    const sink =
      deadLetter === undefined ? undefined : new DeadLetterSink(this.#cluster, deadLetter, group);
    const signals = [options.signal, this.#signal].filter((each) => each !== undefined);
    const reader = new HandlerRun<Key, Value>({
      cluster: this.#cluster,
      scope: this.#scope,
      source: this.#source,
      table: this.#table,
      settings,
      handler: options.handler,
      deadLetters: sink,
      signal: signals.length === 0 ? undefined : AbortSignal.any(signals),
    });
    this.#hand.release();
    this.#goBack();
    this.#owner.reader = reader;
    const over = this.#runTo(reader, sink);
    this.#run = { reader, over };
    return over;
  }

  /** Counts the record in hand as done, as asking for the next one does: for before a `break`. */
  pass(): void {
    this.#hand.finish();
  }

  /**
   * Aborts when the consumer does not have a partition any more, so that the outcome of a record of
   * it does not count: it is lost, or the consumer is closed.
   */
  signalOf(partition: TopicPartition): AbortSignal {
    return this.#table.signalOf(partition);
  }

  /**
   * Stores how far the group is. Without an argument everything that was handed out counts as done,
   * the record in hand too (in a run: what is done); else the given records, or offsets of next
   * records, do. Rejects with FENCED_MEMBER_EPOCH or UNKNOWN_MEMBER when the partition is somebody
   * else's by now, with INVALID_REQUEST when a run has not done all before.
   */
  async commit(
    what?: ConsumedRecord<Key, Value> | readonly OffsetCommit[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#scope.check(options.signal);
    const signal = options.signal ?? this.#scope.signal;
    const { committer } = this.#owner;
    if (committer === undefined) {
      throw new CodedError("INVALID_REQUEST", "a consumer without a group has nowhere to commit");
    }
    if (what === undefined) {
      this.#checkHand();
      this.#hand.finish();
      await this.#scope.race(committer.commitPassed(this.#table.uncommitted(), signal));
      return;
    }
    const offsets = what instanceof ConsumedRecord ? [offsetAfter(what)] : what.map(innerOffset);
    if (what instanceof ConsumedRecord) this.#checkOwned(what);
    this.#run?.reader.check(offsets);
    await this.#scope.race(committer.commit(offsets, signal), options.signal);
    for (const each of offsets) {
      const position = this.#table.get(each);
      if (position !== undefined) position.committed = each.offset;
    }
  }

  /** Goes on elsewhere in a partition that it has. */
  seek(to: ConsumerOffset): void {
    this.#moveTo(to, fromPublicOffset(to.offset));
  }

  /**
   * Goes on at the earliest record, at the end, or at the first record of a time or later, in some
   * partitions or in all it has.
   */
  async seekTo(
    point: "earliest" | "latest" | SeekTime,
    partitions: readonly TopicPartition[] = this.assignment,
  ): Promise<void> {
    const at = typeof point === "string" ? point : { timestampMs: Number(point.timestamp) };
    const questions = partitions.map(({ topic, partition }) => ({ topic, partition, at }));
    const found = await listOffsets(this.#cluster, questions, this.#scope.signal);
    for (const each of found) this.#moveTo(each, each.offset);
  }

  /** Reads no more of some partitions, or of all it has, until `resume`. */
  pause(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const each of partitions) {
      this.#owner.reader.pause(partitionKey(each));
      this.#table.pause(each);
    }
  }

  /** Reads paused partitions, or all it has, on from where they were. */
  resume(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const each of partitions) {
      this.#table.resume(each);
      this.#owner.reader.resume(partitionKey(each));
    }
  }

  /**
   * Ends the loop or the run, commits what is done, and leaves the group, in at most about
   * `timeoutMs` (default 5,000) whatever the brokers and the handlers do. Not to be awaited in a
   * handler, which it waits for.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #runTo(reader: HandlerRun<Key, Value>, sink: DeadLetterSink | undefined): Promise<void> {
    try {
      await reader.run();
    } finally {
      this.#owner.reader = this.#hand;
      this.#hand.rest();
      this.#run = undefined;
      this.#goBack();
      await sink?.close();
    }
  }

  /** A loop that was left, or a run that ended, may have left records undone: they come again. */
  #goBack(): void {
    if (this.#settings.commit === "before") this.#table.passDelivered();
    this.#table.rewind("all");
  }

  #moveTo(partition: TopicPartition, offset: number): void {
    this.#owner.reader.drop(partitionKey(partition));
    this.#table.seek(partition, offset);
  }

  async #reset(feed: Feed, error: CodedError): Promise<void> {
    const { topic, partition } = feed;
    const { reset } = this.#settings;
    try {
      this.#cluster.environment.logger.warn({ topic, partition, reset }, error.message);
      const rules = { reset, signal: this.#scope.signal };
      const [found] = await resetOffsets(this.#cluster, [{ topic, partition }], rules);
      const isOurs = this.#table.positionOf(feed) !== undefined && feed.state === "stopped";
      if (found !== undefined && isOurs) this.#moveTo(feed, found.offset);
    } catch (failure) {
      if (!this.#scope.isClosed)
        this.#queue.fail(reset === "none" ? error : CodedError.from(failure));
    }
  }

  #checkFree(): void {
    if (this.#run === undefined) return;
    throw new TypeError("a run reads this consumer: wait for its end, or make two consumers");
  }

  /** The record in hand cannot be committed when its partition went meanwhile. */
  #checkHand(): void {
    const { position } = this.#hand;
    if (position !== undefined && this.#table.get(position) !== position) throw goneError(position);
  }

  #checkOwned(partition: TopicPartition): void {
    this.#checkHand();
    const isMember = this.#settings.assign === undefined;
    if (isMember && this.#table.get(partition) === undefined) throw goneError(partition);
  }

  async #close(timeoutMs: number): Promise<void> {
    const limit = new AbortController();
    const patience = (shareMs: number): Promise<void> =>
      this.#scope.sleep(shareMs, limit.signal).catch(() => {
        // Done in time, or the client was closed.
      });
    const farewell = async (): Promise<void> => {
      this.#owner.close();
      // How a run ends is for whoever started it.
      const over = this.#run?.over.catch(() => {});
      await Promise.race([over, patience(timeoutMs * DRAIN_SHARE)]);
      await this.#owner.leave(timeoutMs, limit.signal);
    };
    await Promise.race([farewell(), patience(timeoutMs)]);
    limit.abort();
    this.#scope.close();
  }
}

function goneError(partition: TopicPartition): CodedError {
  const key = partitionKey(partition);
  return new CodedError("FENCED_MEMBER_EPOCH", `this consumer does not have ${key} any more`);
}
