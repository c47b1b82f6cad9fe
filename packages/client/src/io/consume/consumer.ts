import { CodedError, type Timer } from "@stratalog/base";
import { ConsumedBatch } from "../../core/consumed-batch.ts";
import { ConsumedRecord } from "../../core/consumed-record.ts";
import { deliver, type Position } from "../../core/positions.ts";
import { fromPublicOffset, toPublicOffset } from "../../core/public-offset.ts";
import { partitionKey, type TopicPartition } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { BatchQueue, type OpenedFeedBatch } from "../fetch/batch-queue.ts";
import type { Feed } from "../fetch/feed.ts";
import { listOffsets } from "../list-offsets.ts";
import { Scope } from "../scope.ts";
import { Committer, innerOffset, offsetAfter } from "./committer.ts";
import {
  type ConsumerOffset,
  type ConsumerOptions,
  type ConsumerPosition,
  type ConsumerSettings,
  consumerSettings,
} from "./consumer-options.ts";
import { ConsumerEvents, type ConsumerListener, type RevokeReason } from "./consumer-events.ts";
import { GroupMember } from "./group-member.ts";
import { Hand } from "./hand.ts";
import { PartitionTable } from "./partition-table.ts";
import { resetOffsets, startOffsets } from "./start-offsets.ts";

const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Reads topics as a member of a group, or partitions that it is told to. Iterate it: `for await
 * (const record of consumer)`, or `consumer.batches()`, one loop at a time. What the loop has
 * passed is committed: a record counts as done when the loop asks for the next one. Made by
 * `Stratalog.consumer`.
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
  readonly #committer: Committer | undefined;
  #member: GroupMember | undefined;
  #current: { batch: OpenedFeedBatch<Key, Value>; position: Position } | undefined;
  #starting: Promise<void> | undefined;
  #tickTimer: Timer | undefined;
  #isCommitting = false;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: ConsumerOptions<Key, Value>) {
    this.#cluster = cluster;
    this.#settings = consumerSettings(options);
    this.#signal = options.signal;
    this.#scope = new Scope("consumer", cluster.environment.timers, cluster.scope);
    this.#hand = new Hand(cluster.environment.clock);
    this.#queue = new BatchQueue<Key, Value>({
      cluster,
      scope: this.#scope,
      bufferBytes: this.#settings.bufferBytes,
      serdes: { key: options.key, value: options.value },
      endOf: () => Number.POSITIVE_INFINITY,
      onData: () => {},
      onOutOfRange: (feed, error) => void this.#reset(feed, error),
    });
    this.#table = new PartitionTable(this.#queue.fetcher);
    const { group } = this.#settings;
    this.#committer = group === undefined ? undefined : new Committer(cluster, group);
    this.#scope.onClose(() => this.#stop());
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
    return {
      next: () => this.#nextRecord(),
      // Leaving the loop leaves the consumer open; the record in hand is not passed.
      return: () => {
        this.#hand.rest();
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** The records by batches, as they come: the fast way. A batch is passed as a whole. */
  async *batches(): AsyncGenerator<ConsumedBatch<Key, Value>, void, void> {
    try {
      for (;;) {
        this.#hand.pass();
        const taken = await this.#nextBatch();
        if (taken === undefined) return;
        const { batch, position } = taken;
        const { from, end } = batch;
        deliver(position, end - 1);
        this.#hand.hold(position, end);
        const { topic, partition, highWatermark } = batch.feed;
        const next = this.#hand.readerOf(batch);
        yield new ConsumedBatch({ topic, partition, from, end, highWatermark, next });
      }
    } finally {
      this.#hand.rest();
    }
  }

  /**
   * Stores how far the group is. Without an argument everything that was handed out counts as done,
   * the record in hand too; else the given records, or offsets of next records, do.
   */
  async commit(
    what?: ConsumedRecord<Key, Value> | readonly ConsumerOffset[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    this.#scope.check(options.signal);
    const signal = options.signal ?? this.#scope.signal;
    const committer = this.#committer;
    if (committer === undefined) {
      throw new CodedError("INVALID_REQUEST", "a consumer without a group has nowhere to commit");
    }
    if (what === undefined) {
      this.#hand.pass();
      await this.#scope.race(committer.commitPassed(this.#table.uncommitted(), signal));
      return;
    }
    const offsets = what instanceof ConsumedRecord ? [offsetAfter(what)] : what.map(innerOffset);
    await this.#scope.race(committer.commit(offsets, signal), options.signal);
    for (const each of offsets) {
      const position = this.#table.get(each);
      if (position !== undefined) position.committed = each.offset;
    }
  }

  /** Goes on elsewhere in a partition that it has. */
  seek(to: ConsumerOffset): void {
    this.#hand.drop(partitionKey(to));
    this.#table.seek(to, fromPublicOffset(to.offset));
  }

  /** Reads no more of some partitions, or of all it has, until `resume`. */
  pause(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const each of partitions) this.#table.pause(each);
  }

  resume(partitions: readonly TopicPartition[] = this.assignment): void {
    for (const each of partitions) this.#table.resume(each);
  }

  /**
   * Ends the loop, commits what it has passed, and leaves the group, in at most about `timeoutMs`
   * (default 5,000) whatever the brokers do.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #nextRecord(): Promise<IteratorResult<ConsumedRecord<Key, Value>>> {
    this.#hand.pass();
    const current = this.#current;
    if (current !== undefined && this.#closing === undefined && current.batch.isCurrent()) {
      try {
        const value = this.#read(current);
        if (value !== undefined) return Promise.resolve({ done: false, value });
      } catch (error) {
        return Promise.reject(CodedError.from(error));
      }
    }
    return this.#nextRecordSlow();
  }

  async #nextRecordSlow(): Promise<IteratorResult<ConsumedRecord<Key, Value>>> {
    for (;;) {
      const taken = await this.#nextBatch();
      if (taken === undefined) return { done: true, value: undefined };
      const value = this.#read(taken);
      if (value !== undefined) return { done: false, value };
    }
  }

  #read(current: {
    readonly batch: OpenedFeedBatch<Key, Value>;
    readonly position: Position;
  }): ConsumedRecord<Key, Value> | undefined {
    const record = current.batch.reader.next();
    if (record === undefined) return undefined;
    deliver(current.position, record.position);
    this.#hand.hold(current.position, record.position + 1);
    return record;
  }

  /** The next batch of a partition that is still ours; undefined once the consumer closes. */
  async #nextBatch(): Promise<
    { batch: OpenedFeedBatch<Key, Value>; position: Position } | undefined
  > {
    this.#current?.batch.release();
    this.#current = undefined;
    try {
      this.#scope.check(this.#signal);
      this.#starting ??= this.#start();
      await this.#scope.race(this.#starting, this.#signal);
      while (this.#closing === undefined) {
        const changed = this.#queue.changed();
        const batch = await this.#queue.take();
        if (batch === undefined) {
          await this.#scope.race(changed, this.#signal);
          continue;
        }
        const position = this.#table.positionOf(batch.feed);
        if (position !== undefined) {
          this.#current = { batch, position };
          return this.#current;
        }
        batch.release();
      }
      return undefined;
    } catch (error) {
      if (this.#closing !== undefined || this.#scope.isClosed) return undefined;
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { assign, group } = this.#settings;
    this.#tick();
    if (assign === undefined && group !== undefined) {
      this.#join(group);
      return;
    }
    const wanted = assign ?? [];
    const named = wanted.flatMap(({ topic, partition, offset: at }) =>
      at === "earliest" || at === "latest" ? [{ topic, partition, at }] : [],
    );
    const found = await listOffsets(this.#cluster, named, this.#scope.signal);
    const offsets = new Map(found.map((each) => [partitionKey(each), each.offset]));
    for (const { topic, partition, offset } of wanted) {
      const resolved = offsets.get(partitionKey({ topic, partition }));
      const start = typeof offset === "string" ? (resolved ?? 0) : fromPublicOffset(offset);
      this.#table.add({ topic, partition, offset: start, committed: -1 });
    }
    await this.#events.emit("assigned", this.assignment, "moved");
  }

  #join(groupId: string): void {
    const member = new GroupMember(this.#cluster, {
      groupId,
      settings: this.#settings,
      scope: this.#scope,
      host: {
        owned: () => this.assignment,
        giveUp: (partitions) => this.#giveUp(partitions),
        takeOn: (partitions, isWanted) => this.#takeOn(partitions, isWanted),
        lose: (error) => this.#lose(error.message),
        fail: (error) => this.#queue.fail(error),
      },
    });
    this.#member = member;
    if (this.#committer !== undefined) this.#committer.session = member.session;
  }

  async #takeOn(partitions: readonly TopicPartition[], isWanted: () => boolean): Promise<void> {
    const { group, reset } = this.#settings;
    const rules = { group, reset, signal: this.#scope.signal };
    const starts = await startOffsets(this.#cluster, partitions, rules);
    if (!isWanted()) return;
    for (const start of starts) this.#table.add(start);
    await this.#events.emit("assigned", partitions, "moved");
  }

  async #giveUp(partitions: readonly TopicPartition[]): Promise<void> {
    for (const each of partitions) this.#table.silence(each);
    this.#queue.wake();
    await this.#scope.race(this.#hand.freeOf(new Set(partitions.map(partitionKey))));
    if (this.#settings.isAutoCommit) await this.#commitQuietly();
    await this.#letGo(partitions, "moved");
  }

  #lose(why: string): void {
    const partitions = this.assignment;
    if (partitions.length === 0) return;
    this.#cluster.environment.logger.warn({ why }, "consumer lost its partitions");
    this.#letGo(partitions, "lost").catch((error: unknown) => {
      this.#queue.fail(CodedError.from(error));
    });
  }

  /** Never says twice that a partition went: it may have been lost while the loop left it. */
  async #letGo(partitions: readonly TopicPartition[], reason: RevokeReason): Promise<void> {
    const ours = partitions.filter((each) => this.#table.get(each) !== undefined);
    for (const each of ours) this.#table.remove(each);
    if (ours.length > 0) await this.#events.emit("revoked", ours, reason);
  }

  /** Commits what the loop has passed; a failure is only logged: the next commit has it too. */
  async #commitQuietly(signal = this.#scope.signal): Promise<void> {
    const positions = this.#table.uncommitted();
    if (positions.length === 0) return;
    try {
      await this.#committer?.commitPassed(positions, signal);
    } catch (error) {
      this.#cluster.environment.logger.warn({ error: String(error) }, "commit failed");
    }
  }

  /** Commits now and then, and sees to it that the loop goes on. */
  #tick(): void {
    if (this.#scope.isClosed || this.#closing !== undefined) return;
    const { commitIntervalMs, isAutoCommit, maxPollIntervalMs } = this.#settings;
    this.#tickTimer = this.#cluster.environment.timers.after(commitIntervalMs, () => this.#tick());
    if (isAutoCommit && !this.#isCommitting) {
      this.#isCommitting = true;
      void this.#commitQuietly().then(() => {
        this.#isCommitting = false;
      });
    }
    const member = this.#member;
    if (member === undefined || this.#hand.heldMs() < maxPollIntervalMs) return;
    // The loop hangs: others get its partitions. It joins again when it asks for a record.
    this.#member = undefined;
    this.#starting = undefined;
    this.#tickTimer.cancel();
    this.#lose(`the loop did not ask for a record for ${maxPollIntervalMs} ms`);
    void member.leave(CLOSE_TIMEOUT_MS);
  }

  async #reset(feed: Feed, error: CodedError): Promise<void> {
    const { topic, partition } = feed;
    const { reset } = this.#settings;
    try {
      this.#cluster.environment.logger.warn({ topic, partition, reset }, error.message);
      const rules = { reset, signal: this.#scope.signal };
      const [found] = await resetOffsets(this.#cluster, [{ topic, partition }], rules);
      const isOurs = this.#table.positionOf(feed) !== undefined && feed.state === "stopped";
      if (found !== undefined && isOurs) this.#table.seek(feed, found.offset);
    } catch (failure) {
      if (!this.#scope.isClosed)
        this.#queue.fail(reset === "none" ? error : CodedError.from(failure));
    }
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#queue.wake();
    const limit = new AbortController();
    const patience = this.#scope.sleep(timeoutMs, limit.signal).catch(() => {
      // Done in time, or the client was closed.
    });
    const farewell = async (): Promise<void> => {
      if (this.#settings.isAutoCommit && this.#starting !== undefined) {
        await this.#commitQuietly(limit.signal);
      }
      await this.#member?.leave(timeoutMs);
    };
    await Promise.race([farewell(), patience]);
    limit.abort();
    this.#scope.close();
  }

  #stop(): void {
    this.#tickTimer?.cancel();
    this.#queue.wake();
  }
}
