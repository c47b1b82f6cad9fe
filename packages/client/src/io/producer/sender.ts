import { assert, CodedError, deferred, type Timer } from "@stratalog/base";
import {
  baseSequenceOf,
  compressBatch,
  patchProducer,
  producerIdOf,
} from "@stratalog/record-batch";
import { acksToWire } from "@stratalog/protocol";
import { RETRY_BACKOFF } from "../../core/backoff.ts";
import type { PartitionQueue } from "../../core/partition-queue.ts";
import type { ProduceBatch } from "../../core/produce-batch.ts";
import type { Cluster } from "../cluster.ts";
import type { Scope } from "../scope.ts";
import { IdentitySource } from "./identity-source.ts";
import { LeaderSearch } from "./leader-search.ts";
import { type AppendOutcome, ProduceStream } from "./produce-stream.ts";
import { overdueError } from "./overdue.ts";
import type { ProducerSettings } from "./producer-options.ts";
import { QueueAlarms } from "./queue-alarms.ts";

/** Hears what became of batches. */
export interface SenderListener {
  onStored(queue: PartitionQueue, batch: ProduceBatch, baseOffset: number): void;
  onGivenUp(queue: PartitionQueue, batch: ProduceBatch, error: CodedError): void;
  /** A turn in which records came is over. */
  onTurn(): void;
}

interface InFlight {
  readonly queue: PartitionQueue;
  readonly batch: ProduceBatch;
  readonly brokerId: number;
}

/** How often batches are looked at for age. */
const SWEEP_MS = 250;
/** An append without an answer for this long makes the client ask whether the leader moved. */
const STALLED_MS = 1_000;
/** How often it asks then. */
const STALLED_SWEEP_MS = 100;
/** Records for a topic that is gone are given up after this long. */
const UNKNOWN_TOPIC_MS = 5_000;

/** Sends what the partition queues have, to their leaders, and sends it again when that fails. */
export class Sender {
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #scope: Scope;
  readonly #listener: SenderListener;
  readonly #identities: IdentitySource;
  /** Queues that may have something to send. */
  readonly #dirty = new Set<PartitionQueue>();
  /** Queues with records; swept for age. */
  readonly #busy = new Set<PartitionQueue>();
  readonly #awaitingIdentity = new Set<PartitionQueue>();
  readonly #alarms: QueueAlarms;
  readonly #search: LeaderSearch;
  readonly #streams = new Map<number, ProduceStream>();
  readonly #inFlight = new Map<number, InFlight>();
  #correlation = 0;
  #isScheduled = false;
  #flushCount = 0;
  #sweepTimer: Timer | undefined;

  constructor(
    cluster: Cluster,
    options: {
      readonly settings: ProducerSettings;
      readonly scope: Scope;
      readonly listener: SenderListener;
    },
  ) {
    this.#cluster = cluster;
    this.#settings = options.settings;
    this.#scope = options.scope;
    this.#listener = options.listener;
    this.#identities = new IdentitySource(cluster);
    this.#alarms = new QueueAlarms(cluster.environment, (queue) => this.markDirty(queue));
    this.#search = new LeaderSearch(cluster, this.#alarms);
  }

  /** A queue has news: it is looked at when this turn of the event loop ends. */
  markDirty(queue: PartitionQueue): void {
    this.#dirty.add(queue);
    this.#busy.add(queue);
    if (this.#isScheduled || this.#scope.isClosed) return;
    this.#isScheduled = true;
    this.#cluster.environment.timers.endOfTurn(() => this.#dispatch());
    this.#sweepTimer ??= this.#cluster.environment.timers.after(SWEEP_MS, () => this.#sweep());
  }

  /**
   * Resolves when every batch that is here now is stored or given up. Meanwhile nothing lingers.
   */
  async drain(): Promise<void> {
    const done = deferred<void>();
    let restCount = 0;
    const listener = (): void => {
      restCount--;
      if (restCount === 0) done.resolve();
    };
    for (const queue of this.#busy) restCount += queue.onSettled(listener);
    if (restCount === 0) return;
    this.#flushCount++;
    for (const queue of this.#busy) this.markDirty(queue);
    try {
      await done.promise;
    } finally {
      this.#flushCount--;
    }
  }

  /** A batch was closed: it is compressed if asked for, and then may go. */
  prepare(queue: PartitionQueue, batch: ProduceBatch): void {
    const { compression } = this.#settings;
    if (compression === "none") return;
    batch.phase = "preparing";
    compressBatch(batch.bytes, compression).then(
      (bytes) => {
        if (bytes !== batch.bytes) this.#settings.buffers.giveBack(batch.bytes);
        batch.bytes = bytes;
        batch.phase = "ready";
        this.markDirty(queue);
      },
      (error: unknown) => {
        batch.phase = "failed";
        this.#giveUp(queue, batch, CodedError.from(error));
      },
    );
  }

  /** Stops at once. What was not answered is given up with `error`. */
  stop(error: CodedError): void {
    this.#sweepTimer?.cancel();
    this.#sweepTimer = undefined;
    this.#search.stop();
    this.#inFlight.clear();
    for (const stream of this.#streams.values()) stream.cancel();
    this.#streams.clear();
    for (const queue of this.#busy) {
      queue.closeOpen();
      for (const batch of queue.lane.batches().slice())
        this.#listener.onGivenUp(queue, batch, error);
    }
    this.#busy.clear();
    this.#dirty.clear();
  }

  #nowMs(): number {
    return this.#cluster.environment.clock.monotonicMs();
  }

  #dispatch(): void {
    this.#isScheduled = false;
    this.#listener.onTurn();
    if (this.#scope.isClosed) return;
    const queues = [...this.#dirty];
    this.#dirty.clear();
    const nowMs = this.#nowMs();
    for (const queue of queues) this.#dispatchQueue(queue, nowMs);
    for (const stream of this.#streams.values()) stream.flush();
  }

  #dispatchQueue(queue: PartitionQueue, nowMs: number): void {
    const { lane } = queue;
    lane.settle();
    this.#maybeClose(queue, nowMs);
    if (queue.isEmpty) {
      this.#busy.delete(queue);
      return;
    }
    if (lane.needsIdentity) {
      this.#requestIdentity(queue);
      return;
    }
    if (nowMs < lane.retryAtMs) return;
    const leader = this.#cluster.cache.leader(queue.topic, queue.partition);
    const stream = leader === undefined ? undefined : this.#stream(leader.brokerId);
    if (leader === undefined || stream === undefined) {
      this.#search.ask(queue);
      return;
    }
    while (!stream.isCongested) {
      const batch = lane.nextToSend(nowMs);
      if (batch === undefined) return;
      this.#send(queue, batch, { stream, brokerId: leader.brokerId });
    }
    // The drain of the stream looks at every queue that has records.
  }

  /** A batch that is not full goes when nothing of its partition is on its way. */
  #maybeClose(queue: PartitionQueue, nowMs: number): void {
    const { open, lane } = queue;
    if (open === undefined || lane.batchCount > 0) return;
    const restMs = open.createdMs + this.#settings.lingerMs - nowMs;
    if (restMs > 0 && this.#flushCount === 0) {
      this.#alarms.wakeAfter(queue, restMs);
      return;
    }
    const batch = queue.closeOpen();
    if (batch === undefined) return;
    this.prepare(queue, batch);
    this.#settings.onBatchClosed(queue);
  }

  #send(
    queue: PartitionQueue,
    batch: ProduceBatch,
    to: { readonly stream: ProduceStream; readonly brokerId: number },
  ): void {
    const { identity } = queue.lane;
    if (identity !== undefined) {
      const isCurrent =
        baseSequenceOf(batch.bytes, 0) === batch.sequence &&
        producerIdOf(batch.bytes, 0) === identity.producerId;
      if (!isCurrent) {
        patchProducer(batch.bytes, { ...identity, baseSequence: batch.sequence });
      }
    }
    const correlation = ++this.#correlation;
    this.#inFlight.set(correlation, { queue, batch, brokerId: to.brokerId });
    to.stream.push(
      {
        correlation,
        topic: queue.topic,
        partition: queue.partition,
        batch: batch.bytes,
        acks: acksToWire(this.#settings.acks),
        expectedOffset: batch.expectedOffset,
        timeoutMs: this.#cluster.options.requestTimeoutMs,
        topicId: this.#cluster.cache.topic(queue.topic)?.topicId,
      },
      batch.bytes.length,
    );
  }

  #stream(brokerId: number): ProduceStream | undefined {
    const known = this.#streams.get(brokerId);
    if (known !== undefined) return known;
    const connection = this.#cluster.broker(brokerId);
    if (connection === undefined) return undefined;
    const stream = new ProduceStream(connection, {
      onOutcome: (correlation, outcome) => this.#onOutcome(correlation, outcome),
      onDrain: () => {
        for (const queue of this.#busy) this.markDirty(queue);
      },
      onEnd: (error) => {
        if (this.#streams.get(brokerId) === stream) this.#streams.delete(brokerId);
        this.#onStreamEnd(brokerId, error);
      },
    });
    this.#streams.set(brokerId, stream);
    return stream;
  }

  #onOutcome(correlation: number, outcome: AppendOutcome): void {
    const entry = this.#inFlight.get(correlation);
    // Given up or sent elsewhere meanwhile: the later answer is the one that counts.
    if (entry === undefined) return;
    this.#inFlight.delete(correlation);
    const { queue, batch } = entry;
    if (outcome.ok) {
      const { baseOffset } = outcome;
      this.#cluster.telemetry.stored(queue, batch, { baseOffset, nowMs: this.#nowMs() });
      queue.lane.onStored(batch);
      this.#search.end(queue);
      this.#listener.onStored(queue, batch, outcome.baseOffset);
      this.markDirty(queue);
      return;
    }
    this.#onFailed(entry, outcome.error);
  }

  #onStreamEnd(brokerId: number, error: CodedError): void {
    this.#cluster.suspect(brokerId);
    for (const [correlation, entry] of this.#inFlight) {
      if (entry.brokerId !== brokerId) continue;
      this.#inFlight.delete(correlation);
      this.#onFailed(entry, error);
    }
  }

  #onFailed(entry: InFlight, error: CodedError): void {
    const { queue, batch } = entry;
    const verdict = queue.lane.onFailed(batch, error);
    if (verdict === "give-up") {
      this.#cluster.telemetry.givenUp(queue, batch, error);
      this.#listener.onGivenUp(queue, batch, error);
      this.markDirty(queue);
      return;
    }
    const isGone = error.code === "UNKNOWN_TOPIC_OR_PARTITION";
    if (isGone && this.#nowMs() - batch.createdMs > UNKNOWN_TOPIC_MS) {
      this.#giveUp(queue, batch, error);
      return;
    }
    this.#search.handleFailure(entry, error);
  }

  #requestIdentity(queue: PartitionQueue): void {
    if (this.#awaitingIdentity.has(queue)) return;
    this.#awaitingIdentity.add(queue);
    const { lane } = queue;
    const request =
      lane.identity === undefined ? this.#identities.shared(queue.kind) : this.#identities.fresh();
    request.then(
      (identity) => {
        this.#awaitingIdentity.delete(queue);
        if (lane.needsIdentity) lane.setIdentity(identity);
        this.markDirty(queue);
      },
      (error: unknown) => {
        this.#awaitingIdentity.delete(queue);
        for (const batch of lane.batches()) batch.lastError = CodedError.from(error);
        this.#alarms.wakeAfter(queue, RETRY_BACKOFF.firstMs);
      },
    );
  }

  /** Gives up what is too old, and asks about leaders that do not answer. */
  #sweep(): void {
    this.#sweepTimer = undefined;
    if (this.#scope.isClosed) return;
    const nowMs = this.#nowMs();
    const { deliveryTimeoutMs } = this.#settings;
    const isStalled = this.#checkStalled(nowMs);
    for (const queue of this.#busy) {
      if (queue.open !== undefined && queue.lane.needsIdentity) queue.closeOpen();
      for (const batch of queue.lane.batches().slice()) {
        const ageMs = nowMs - batch.createdMs;
        const isGone = ageMs >= UNKNOWN_TOPIC_MS && this.#isUnknown(queue.topic);
        const isOld = isGone || ageMs >= deliveryTimeoutMs;
        if (isOld && batch.phase !== "sent" && batch.phase !== "preparing") {
          this.#giveUp(queue, batch, overdueError(queue, batch, deliveryTimeoutMs));
        }
      }
      this.markDirty(queue);
    }
    if (this.#busy.size > 0) {
      const pauseMs = isStalled ? STALLED_SWEEP_MS : SWEEP_MS;
      this.#sweepTimer ??= this.#cluster.environment.timers.after(pauseMs, () => this.#sweep());
    }
  }

  #isUnknown(topic: string): boolean {
    return this.#cluster.cache.topicError(topic)?.code === "UNKNOWN_TOPIC_OR_PARTITION";
  }

  /**
   * A leader that is paused or cut off answers nothing; the others soon have another one. Whether
   * any owes an answer for long.
   */
  #checkStalled(nowMs: number): boolean {
    const { cache } = this.#cluster;
    const stalledTopics = new Set<string>();
    for (const [correlation, entry] of this.#inFlight) {
      const waitedMs = nowMs - entry.batch.sentMs;
      const { queue, batch } = entry;
      const isOld = nowMs - batch.createdMs >= this.#settings.deliveryTimeoutMs;
      if (waitedMs < STALLED_MS && !isOld) continue;
      stalledTopics.add(queue.topic);
      this.#cluster.suspect(entry.brokerId);
      const leader = cache.leader(queue.topic, queue.partition);
      const hasMoved = leader !== undefined && leader.brokerId !== entry.brokerId;
      if (!hasMoved && !isOld && waitedMs < this.#settings.sendTimeoutMs) continue;
      this.#inFlight.delete(correlation);
      const error = new CodedError("REQUEST_TIMED_OUT", `broker ${entry.brokerId} did not answer`);
      this.#onFailed(entry, error);
    }
    for (const topic of stalledTopics) this.#search.refresh(topic);
    return stalledTopics.size > 0;
  }

  #giveUp(queue: PartitionQueue, batch: ProduceBatch, error: CodedError): void {
    assert(batch.phase !== "sent", "a batch on its way is not given up");
    queue.lane.giveUp(batch);
    this.#cluster.telemetry.givenUp(queue, batch, error);
    this.#listener.onGivenUp(queue, batch, error);
    this.markDirty(queue);
  }
}
