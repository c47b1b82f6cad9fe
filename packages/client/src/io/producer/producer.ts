import { CodedError } from "@stratalog/base";
import { BATCH_RECORDS_MAX, type RecordInput } from "@stratalog/record-batch";
import { hasPartition, type KnownTopic } from "../../core/metadata-cache.ts";
import { PartitionQueue } from "../../core/partition-queue.ts";
import type { ProduceBatch, RecordWaiter } from "../../core/produce-batch.ts";
import { fromPublicOffset } from "../../core/public-offset.ts";
import type { Cluster } from "../cluster.ts";
import { Scope } from "../scope.ts";
import { AdmissionQueue } from "./admission-queue.ts";
import { BatchResults } from "./batch-results.ts";
import { BufferMemory } from "./buffer-memory.ts";
import {
  BATCH_BYTES_MAX,
  type ProducerOptions,
  type ProducerSettings,
  producerSettings,
} from "./producer-options.ts";
import {
  encodeRecord,
  type ProducerRecord,
  type RecordEncoding,
  type RecordContent,
} from "./producer-record.ts";
import { ProducerTopic } from "./producer-topic.ts";
import { type SendResult, SendWaiter } from "./send-waiter.ts";
import { Sender } from "./sender.ts";
import { encodeText, TextScratch } from "./text-scratch.ts";
import { TurnClock } from "./turn-clock.ts";

/** Records of one topic. */
export interface SendBatch<Key, Value> {
  /** Name of the topic. */
  readonly topic: string;
  /** Go to their partitions one by one, in this order. */
  readonly records: readonly Omit<ProducerRecord<Key, Value>, "topic">[];
}

/** A conditional append: all records, in one batch, or none. */
export interface AppendRequest<Key, Value> {
  /** Name of the topic. */
  readonly topic: string;
  /** Number of the partition whose end is checked. */
  readonly partition: number;
  /** MESSAGE_TOO_LARGE when they do not fit into one batch. */
  readonly records: readonly RecordContent<Key, Value>[];
  /** The offset that the first record must take; WRONG_EXPECTED_OFFSET when it would not. */
  readonly expectedOffset: bigint | number;
}

/** What may end a wait sooner. */
export interface WaitOptions {
  /** Ends the wait with ABORTED; records on their way stay on it. */
  readonly signal?: AbortSignal;
}

/** How long `close` lets records on their way finish, unless told otherwise. */
const CLOSE_TIMEOUT_MS = 10_000;
/** What a record takes in a batch besides its content, at most. */
const RECORD_OVERHEAD_BYTES = 64;

/**
 * Sends records. Idempotent and acknowledged by a majority unless told otherwise: each record is
 * stored once, in the order of sending within its partition. Made by `Stratalog.producer`.
 */
export class Producer<Key = unknown, Value = unknown> implements AsyncDisposable {
  readonly #cluster: Cluster;
  readonly #scope: Scope;
  readonly #settings: ProducerSettings;
  readonly #encoding: RecordEncoding<Key, Value>;
  readonly #scratch = new TextScratch();
  readonly #memory: BufferMemory;
  readonly #admission: AdmissionQueue;
  readonly #sender: Sender;
  readonly #time: TurnClock;
  readonly #topics = new Map<string, ProducerTopic>();
  readonly #conditional = new Map<string, PartitionQueue>();
  #firstFailure: CodedError | undefined;
  #closing: Promise<void> | undefined;

  constructor(cluster: Cluster, options: ProducerOptions<Key, Value>) {
    this.#cluster = cluster;
    this.#scope = new Scope("producer", cluster.environment.timers, cluster.scope);
    const { key, value } = options;
    this.#encoding = { key, value, text: (text) => this.#scratch.encode(text) };
    this.#settings = producerSettings(options, {
      sendTimeoutMs: cluster.options.requestTimeoutMs,
      onBatchClosed: (queue) => this.#topics.get(queue.topic)?.onBatchClosed(queue.partition),
    });
    const { maxBufferBytes: limitBytes, maxBlockMs } = this.#settings;
    const { environment } = cluster;
    this.#memory = new BufferMemory({ limitBytes, maxBlockMs, environment, scope: this.#scope });
    this.#admission = new AdmissionQueue();
    this.#time = new TurnClock(environment.clock);
    this.#sender = new Sender(cluster, {
      settings: this.#settings,
      scope: this.#scope,
      listener: {
        onStored: (queue, batch, baseOffset) => this.#onStored(queue, batch, baseOffset),
        onGivenUp: (_queue, batch, error) => this.#onGivenUp(batch, error),
        onTurn: () => this.#time.expire(),
      },
    });
    const stop = (): void => this.#sender.stop(this.#scope.closedError());
    this.#scope.onClose(stop);
  }

  /** Resolves when the producer is closed, for whatever reason. */
  get closed(): Promise<void> {
    return this.#scope.closed;
  }

  /** Bytes of records that are not stored yet. */
  get bufferedBytes(): number {
    return this.#memory.usedBytes;
  }

  /** Sends a record and waits until it is stored. */
  send(record: ProducerRecord<Key, Value>, options: WaitOptions = {}): Promise<SendResult> {
    const result = new Promise<SendResult>((resolve, reject) => {
      const waiter = new SendWaiter(record.topic, resolve, reject);
      // What is thrown here rejects the promise.
      const admitted = this.#take(record.topic, record, waiter, options.signal);
      if (admitted !== undefined) admitted.catch(reject);
    });
    return options.signal === undefined ? result : this.#scope.race(result, options.signal);
  }

  /**
   * Takes a record without a promise of its own: returns nothing while there is room, else a
   * promise that resolves once the record is taken. Whether it was stored, `flush` says.
   */
  enqueue(record: ProducerRecord<Key, Value>, options: WaitOptions = {}): void | Promise<void> {
    return this.#take(record.topic, record, undefined, options.signal);
  }

  /** Sends records to a topic and waits until all are stored; results in the order given. */
  async sendBatch(
    batch: SendBatch<Key, Value>,
    options: WaitOptions = {},
  ): Promise<readonly SendResult[]> {
    const { topic, records } = batch;
    if (records.length === 0) return [];
    const results = new BatchResults(topic, records.length);
    const outcome = this.#scope.race(results.settled, options.signal);
    // Heard below; a failure may come before the last record is taken.
    outcome.catch(() => {});
    for (const [index, record] of records.entries()) {
      const admitted = this.#take(topic, record, results.waiterOf(index), options.signal);
      if (admitted !== undefined) await admitted;
    }
    return await outcome;
  }

  /**
   * Appends records as one batch if the partition ends exactly at `expectedOffset`; else rejects
   * with WRONG_EXPECTED_OFFSET. A retry is safe: what was stored is answered as stored. Resolves
   * with the place of the first record.
   */
  async append(request: AppendRequest<Key, Value>, options: WaitOptions = {}): Promise<SendResult> {
    this.#checkOpen(options.signal);
    const { topic, partition, records } = request;
    const expectedOffset = fromPublicOffset(request.expectedOffset, "expectedOffset");
    if (records.length === 0) throw new RangeError("append needs at least one record");
    const known = await this.#cluster.topicWith(topic, partition, options.signal);
    this.#topic(topic).queueFor(known, null, partition);
    while (!this.#memory.hasRoom) await this.#memory.waitForRoom(options.signal);
    const { clock } = this.#cluster.environment;
    const wallMs = clock.wallMs();
    const encoding = { ...this.#encoding, text: encodeText };
    const inputs = records.map((record) => encodeRecord(record, encoding, wallMs));
    checkFitsOneBatch(inputs);
    const queue = this.#conditionalQueue(topic, partition);
    const nowMs = clock.monotonicMs();
    const stored = new Promise<SendResult>((resolve, reject) => {
      for (const [index, input] of inputs.entries()) {
        const waiter = index === 0 ? new SendWaiter(topic, resolve, reject) : undefined;
        this.#memory.take(queue.append(input, nowMs, waiter).grownBytes);
      }
    });
    const batch = queue.closeOpen({ expectedOffset });
    if (batch !== undefined) this.#sender.prepare(queue, batch);
    this.#sender.markDirty(queue);
    return await this.#scope.race(stored, options.signal);
  }

  /**
   * Waits until everything taken so far is stored; rejects with the first failure since the last.
   */
  async flush(options: WaitOptions = {}): Promise<void> {
    this.#scope.check(options.signal);
    await this.#scope.race(this.#drain(), options.signal);
    this.#throwFirstFailure();
  }

  /**
   * Lets records on their way finish, for at most `timeoutMs` (default 10,000), then gives up the
   * rest: never waits longer, whatever the brokers do. Rejects with the first failure of a record
   * that nobody waited for.
   */
  close(options: { readonly timeoutMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(timeoutMs: number): Promise<void> {
    const limit = new AbortController();
    try {
      await Promise.race([
        this.#scope.race(this.#drain()),
        this.#scope.sleep(timeoutMs, limit.signal),
      ]);
    } catch (error) {
      // The client was closed meanwhile: what is left is given up below all the same.
      if (!this.#scope.isClosed) throw error;
    } finally {
      limit.abort();
      this.#scope.close();
    }
    this.#throwFirstFailure();
  }

  async #drain(): Promise<void> {
    await this.#admission.idle();
    await this.#sender.drain();
  }

  #throwFirstFailure(): void {
    const failure = this.#firstFailure;
    this.#firstFailure = undefined;
    if (failure !== undefined) throw failure;
  }

  #checkOpen(signal?: AbortSignal): void {
    this.#scope.check(signal);
    if (this.#closing !== undefined) throw this.#scope.closedError();
  }

  /** Takes a record at once when nothing stands in the way; else gives a promise to be awaited. */
  #take(
    topic: string,
    record: Omit<ProducerRecord<Key, Value>, "topic">,
    waiter: RecordWaiter | undefined,
    signal: AbortSignal | undefined,
  ): void | Promise<void> {
    this.#checkOpen(signal);
    const known = this.#cluster.cache.topic(topic);
    const { partition } = record;
    const isFree = known !== undefined && hasPartition(known, partition ?? 0);
    if (isFree && this.#memory.hasRoom && !this.#admission.hasWaiting(topic)) {
      this.#append(topic, record, waiter, known);
      return;
    }
    return this.#admission.admit(topic, async () => {
      const found =
        partition === undefined
          ? await this.#cluster.topic(topic, signal)
          : await this.#cluster.topicWith(topic, partition, signal);
      while (!this.#memory.hasRoom) await this.#memory.waitForRoom(signal);
      this.#append(topic, record, waiter, found);
    });
  }

  #append(
    topicName: string,
    record: Omit<ProducerRecord<Key, Value>, "topic">,
    waiter: RecordWaiter | undefined,
    known: KnownTopic,
  ): void {
    this.#time.update();
    const { wallMs, monotonicMs: nowMs } = this.#time;
    this.#scratch.reset();
    const input = encodeRecord(record, this.#encoding, wallMs);
    const topic = this.#topic(topicName);
    const queue = topic.queueFor(known, input.key, record.partition);
    this.#cluster.refreshIfOld(known, nowMs);
    const { grownBytes, closed } = queue.append(input, nowMs, waiter);
    this.#memory.take(grownBytes);
    if (closed !== undefined) {
      this.#sender.prepare(queue, closed);
      this.#settings.onBatchClosed(queue);
    }
    this.#sender.markDirty(queue);
  }

  #topic(name: string): ProducerTopic {
    let topic = this.#topics.get(name);
    if (topic === undefined) {
      topic = new ProducerTopic(name, this.#cluster, this.#settings);
      this.#topics.set(name, topic);
    }
    return topic;
  }

  #conditionalQueue(topic: string, partition: number): PartitionQueue {
    const name = `${topic}/${partition}`;
    let queue = this.#conditional.get(name);
    if (queue === undefined) {
      queue = new PartitionQueue({
        topic,
        partition,
        kind: "conditional",
        buffers: this.#settings.buffers,
        maxBatchBytes: BATCH_BYTES_MAX,
        isIdempotent: this.#settings.isIdempotent,
        maxInFlight: 1,
      });
      this.#conditional.set(name, queue);
    }
    return queue;
  }

  #onStored(queue: PartitionQueue, batch: ProduceBatch, baseOffset: number): void {
    this.#memory.giveBack(batch.bufferedBytes);
    // After one send the answer proves that its bytes left; an earlier send may still be queued.
    if (batch.attempts === 1) this.#settings.buffers.giveBack(batch.bytes);
    for (const [at, waiter] of batch.waiters.entries()) {
      waiter.onStored(queue.partition, baseOffset + (batch.waiterIndexes[at] ?? 0));
    }
    for (const listener of batch.settledListeners) listener();
  }

  #onGivenUp(batch: ProduceBatch, error: CodedError): void {
    this.#memory.giveBack(batch.bufferedBytes);
    if (batch.waiters.length < batch.recordCount) this.#firstFailure ??= error;
    for (const waiter of batch.waiters) waiter.onFailed(error);
    for (const listener of batch.settledListeners) listener();
  }
}

function checkFitsOneBatch(records: readonly RecordInput[]): void {
  if (records.length > BATCH_RECORDS_MAX) {
    throw new CodedError(
      "MESSAGE_TOO_LARGE",
      `a conditional append is one batch of at most ${BATCH_RECORDS_MAX} records, not ${records.length}`,
    );
  }
  let sizeBytes = RECORD_OVERHEAD_BYTES;
  for (const { key, value, headers } of records) {
    sizeBytes += RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
    for (const header of headers ?? []) {
      sizeBytes += RECORD_OVERHEAD_BYTES + header.key.length * 3 + (header.value?.length ?? 0);
    }
  }
  if (sizeBytes <= BATCH_BYTES_MAX) return;
  throw new CodedError(
    "MESSAGE_TOO_LARGE",
    `a conditional append is one batch of at most ${BATCH_BYTES_MAX} bytes, not ${sizeBytes}`,
  );
}
