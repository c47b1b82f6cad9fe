import { assert, type Clock, type Logger } from "@stratalog/base";
import {
  baseSequenceOf,
  producerEpochOf,
  producerIdOf,
  recordCountOf,
} from "@stratalog/record-batch";
import { decodePartitionCommand, encodePartitionCommand } from "../core/partition-command.ts";
import type { PartitionSnapshot } from "../core/partition-snapshot.ts";
import { RetentionWatch } from "../core/retention-watch.ts";
import { ProducerTable } from "../core/producer-table.ts";
import { endOffsetForEpoch, type EpochEnd } from "../core/leader-epochs.ts";
import {
  PARTITION_LIMITS,
  type PartitionConfig,
  type PartitionLimits,
} from "../partition-config.ts";
import type { Frame } from "../ports/frame.ts";
import type {
  FetchRequest,
  FetchResult,
  ListedOffset,
  OffsetTarget,
  PartitionDescription,
  PartitionService,
  ProduceRequest,
  ProduceResult,
  ReadRequest,
} from "../ports/partition-service.ts";
import type { ReplicaLog } from "../ports/replica-log.ts";
import type { Replication, ReplicationListener, RoleChange } from "../ports/replication.ts";
import { Appender, identityOf, type StoragePressure } from "./appender.ts";
import type { Deadlines } from "./deadlines.ts";
import { checkLeader } from "./partition-errors.ts";
import { Reader } from "./reader.ts";
import { ReplicaState } from "./replica-state.ts";
import { SnapshotKeeper, type SnapshotPlace } from "./snapshot-keeper.ts";

export interface PartitionReplicaOptions {
  readonly topic: string;
  readonly partition: number;
  readonly log: ReplicaLog;
  readonly clock: Clock;
  /** May be shared by all replicas of a broker. */
  readonly deadlines: Deadlines;
  readonly logger: Logger;
  readonly config: PartitionConfig;
  readonly limits?: Partial<PartitionLimits>;
  /** Where to keep what is derived from the log; without one a restart replays the whole log. */
  readonly snapshots?: SnapshotPlace;
  /** Asked before each append; producers are refused while there is any. Default: none. */
  readonly pressure?: () => StoragePressure;
}

/**
 * One replica of one partition: turns the entries that its Raft group commits into offsets,
 * producer state and a high
 * watermark, and on the leader serves producers and consumers.
 *
 * Life: `open`, hand it to the Raft group as listener with `appliedIndex`, `attach` the group,
 * `close`.
 */
export class PartitionReplica implements PartitionService, ReplicationListener {
  readonly #state: ReplicaState;
  readonly #producers: ProducerTable;
  readonly #appender: Appender;
  readonly #reader: Reader;
  readonly #snapshots: SnapshotKeeper;
  readonly #clock: Clock;
  readonly #limits: PartitionLimits;
  readonly #logger: Logger;
  /** Wall clock less monotonic clock when this replica was opened. */
  readonly #steadyStartMs: number;
  readonly #availableCallbacks = new Set<() => void>();
  /** Term in which this replica leads, as far as it was told; 0 while it does not. */
  #leadingTerm = 0;
  #proposedLogStart = 0;
  #retention = new RetentionWatch();

  private constructor(options: PartitionReplicaOptions, snapshot: PartitionSnapshot | undefined) {
    const { log, clock, deadlines, config } = options;
    const limits: PartitionLimits = { ...PARTITION_LIMITS, ...options.limits };
    this.#limits = limits;
    this.#clock = clock;
    this.#logger = options.logger;
    this.#producers = new ProducerTable(limits.producersMax);
    this.#steadyStartMs = clock.wallMs() - clock.monotonicMs();
    if (snapshot !== undefined) {
      // As if seen just now: while the process was down the clock may have jumped.
      const seenWallMs = this.#steadyWallMs();
      this.#producers.restore(
        snapshot.producers.map(([id, { history }]) => [id, { history, seenWallMs }]),
      );
    }
    const state = new ReplicaState({
      topic: options.topic,
      partition: options.partition,
      log,
      appliedIndex: Math.max(snapshot?.index ?? 0, log.firstIndex - 1),
      appliedEndOffset: snapshot?.nextOffset ?? log.logStartOffset,
    });
    this.#state = state;
    const producers = this.#producers;
    const pressure = options.pressure ?? ((): StoragePressure => "none");
    this.#appender = new Appender({ state, producers, deadlines, clock, limits, config, pressure });
    this.#reader = new Reader({ state, clock, deadlines, limits });
    this.#snapshots = new SnapshotKeeper({
      place: options.snapshots,
      everyBytes: limits.snapshotBytes,
      everyFrames: limits.snapshotFrames,
      logger: options.logger,
    });
  }

  /** Loads the newest snapshot; the Raft group replays what came after it. */
  static async open(options: PartitionReplicaOptions): Promise<PartitionReplica> {
    const { log } = options;
    const snapshot = await SnapshotKeeper.load(options.snapshots);
    // The log began again after the snapshot was written: what it says is of records that are gone.
    if (snapshot === undefined || snapshot.index < log.firstIndex - 1) {
      return new PartitionReplica(options, undefined);
    }
    log.setLogStart(Math.min(snapshot.logStartOffset, log.nextOffset));
    return new PartitionReplica(options, snapshot);
  }

  /**
   * The Raft group delivers committed frames from the one after this. Never above what the local
   * log holds and knows to be
   * committed, which after a crash may be less than the snapshot stands for: frames that come again
   * do no harm.
   */
  get appliedIndex(): number {
    const { log } = this.#state;
    const known = Math.min(log.hardState.commit, log.lastIndex, this.#state.appliedIndex);
    return Math.max(known, log.firstIndex - 1);
  }

  attach(replication: Replication): void {
    this.#state.attach(replication);
  }

  get isLeader(): boolean {
    return this.#state.isLeader;
  }

  get leaderEpoch(): number {
    return this.#state.replication.term;
  }

  get highWatermark(): number {
    return this.#state.highWatermark;
  }

  get logStartOffset(): number {
    return this.#state.log.logStartOffset;
  }

  get logEndOffset(): number {
    return this.#state.log.nextOffset;
  }

  produce(request: ProduceRequest): Promise<ProduceResult> {
    return this.#appender.produce(request);
  }

  fetch(request: FetchRequest): Promise<FetchResult> {
    return this.#reader.fetch(request);
  }

  read(request: ReadRequest): FetchResult | Promise<FetchResult> {
    return this.#reader.read(request);
  }

  listOffset(target: OffsetTarget): Promise<ListedOffset> {
    return this.#reader.listOffset(target);
  }

  /** Where the records of an epoch end in this log (Kafka's OffsetForLeaderEpoch). */
  endOffsetForEpoch(epoch: number): EpochEnd | undefined {
    checkLeader(this.#state, undefined);
    return endOffsetForEpoch(epoch, this.#state.log.termRuns(), this.#state.log.nextOffset);
  }

  onAvailable(callback: () => void): () => void {
    this.#availableCallbacks.add(callback);
    return () => {
      this.#availableCallbacks.delete(callback);
    };
  }

  /** The topic's settings changed. */
  updateConfig(config: PartitionConfig): void {
    this.#appender.config = config;
  }

  /**
   * Asks all replicas to forget the records below an offset. Says whether it was proposed: only a
   * leader can.
   */
  proposeLogStart(offset: number): boolean {
    const { log, highWatermark } = this.#state;
    assert(offset <= highWatermark, `log start ${offset} above the high watermark`);
    if (!this.isLeader || offset <= log.logStartOffset) return false;
    const payload = encodePartitionCommand({ type: "log-start", offset });
    return this.#state.replication.propose({ kind: "command", payload, span: 0 }).ok;
  }

  /**
   * A leader has applied that records below an offset are gone. The command that says so may be
   * far ahead in the log, behind records that this replica has no room for: so what it has of them
   * goes now. Nothing above its own high watermark goes, and a log start never moves back.
   */
  forgetBelow(offset: number): void {
    const { log, highWatermark } = this.#state;
    if (!this.#state.isClosed) log.setLogStart(Math.min(offset, highWatermark));
  }

  /**
   * On the leader, proposes that records go whose time is over. To be called now and then, every
   * second or so.
   */
  maintain(): void {
    const { config } = this.#appender;
    if (!this.isLeader || (config.retentionMs < 0 && config.retentionBytes < 0)) return;
    const now = {
      wallMs: this.#clock.wallMs(),
      monotonicMs: this.#clock.monotonicMs(),
      highWatermark: this.highWatermark,
    };
    const segments = this.#state.log.segments();
    const { start, clockMovedMs } = this.#retention.look(segments, config, now);
    if (clockMovedMs !== undefined) {
      const message = "the clock has jumped: records that it makes old are looked at again later";
      this.#logger.warn({ partition: this.#state.name, clockMovedMs }, message);
    }
    if (start !== undefined && start > this.#proposedLogStart) {
      // Once per offset: a proposal that was lost is made again by the next leader or for the next
      // segment.
      if (this.proposeLogStart(start)) this.#proposedLogStart = start;
    }
  }

  describe(): PartitionDescription {
    return {
      isLeader: this.isLeader,
      leaderEpoch: this.leaderEpoch,
      logStartOffset: this.logStartOffset,
      highWatermark: this.highWatermark,
      logEndOffset: this.logEndOffset,
      sizeBytes: this.#state.log.sizeBytes,
      producerCount: this.#producers.size,
      pendingAppendCount: this.#appender.pendingCount,
      pendingAppendBytes: this.#appender.pendingBytes,
      fetchWaiterCount: this.#reader.waiterCount,
    };
  }

  onCommitted(frames: readonly Frame[]): void {
    let isMoreVisible = false;
    for (const frame of frames) {
      if (frame.index > this.#state.appliedIndex) this.#apply(frame);
      const isVisible = this.#state.advance(frame.index, frame.baseOffset + frame.span);
      isMoreVisible ||= isVisible;
      if (frame.kind === "data") this.#appender.onCommitted(frame.index, frame.term);
    }
    this.#reader.onApplied();
    if (isMoreVisible) this.#notifyAvailable();
    if (this.#snapshots.isDue) void this.#saveSnapshot();
  }

  onRole(change: RoleChange): void {
    const leadingTerm = change.role === "leader" ? change.term : 0;
    const wasLeading = this.#leadingTerm !== 0;
    if (leadingTerm === this.#leadingTerm) return;
    this.#leadingTerm = leadingTerm;
    this.#proposedLogStart = 0;
    this.#retention = new RetentionWatch();
    if (wasLeading) this.#loseLeadership();
    else this.#notifyAvailable();
  }

  onCommitIndex(index: number, term: number): void {
    this.#appender.onCommitIndex(index, term);
  }

  onDurable(lastIndex: number): void {
    if (this.#appender.pendingCount > 0) this.#appender.onDurable(lastIndex);
  }

  onSnapshot(snapshot: { readonly index: number; readonly nextOffset: number }): void {
    // Producers whose batches were all below are forgotten; they may go on with any sequence.
    this.#producers.restore([]);
    if (this.#state.advance(snapshot.index, snapshot.nextOffset)) this.#notifyAvailable();
  }

  /**
   * Refuses everything from now on. Keeps the snapshot for the next start, or removes it with its
   * replica.
   */
  async close(reason: "stop" | "deleted" = "stop"): Promise<void> {
    if (this.#state.isClosed) return;
    this.#state.isClosed = true;
    this.#leadingTerm = 0;
    this.#loseLeadership();
    this.#availableCallbacks.clear();
    if (reason === "deleted") await this.#snapshots.remove();
    else await this.#saveSnapshot();
  }

  /** Replay and live commits alike come through here, once per frame. */
  #apply(frame: Frame): void {
    this.#snapshots.count(frame);
    switch (frame.kind) {
      case "data":
        this.#applyBatch(frame);
        return;
      case "command":
        this.#applyCommand(frame);
        return;
      case "noop":
      case "config":
        return;
    }
  }

  #applyBatch(frame: Frame): void {
    const { payload } = frame;
    this.#state.committedBytes += payload.byteLength;
    const identity = identityOf({
      producerId: producerIdOf(payload, 0),
      producerEpoch: producerEpochOf(payload, 0),
      baseSequence: baseSequenceOf(payload, 0),
      recordCount: recordCountOf(payload, 0),
    });
    if (identity === undefined) return;
    this.#producers.commit(identity, frame.baseOffset, this.#steadyWallMs());
  }

  #applyCommand(frame: Frame): void {
    const command = decodePartitionCommand(frame.payload);
    if (command === undefined) {
      this.#logger.warn({ index: frame.index }, "a command of a later version was skipped");
      return;
    }
    this.#state.log.setLogStart(command.offset);
  }

  /**
   * A wall clock that never jumps while this replica is open: with one that does, all producers
   * would be forgotten at once, and the duplicates of their retries stored.
   */
  #steadyWallMs(): number {
    return this.#steadyStartMs + this.#clock.monotonicMs();
  }

  #loseLeadership(): void {
    this.#appender.loseLeadership();
    this.#reader.wakeAll();
    this.#notifyAvailable();
  }

  #notifyAvailable(): void {
    for (const callback of this.#availableCallbacks) callback();
  }

  #saveSnapshot(): Promise<void> {
    this.#producers.expire(this.#steadyWallMs() - this.#limits.producerExpiryMs);
    return this.#snapshots.save(this.#snapshot());
  }

  #snapshot(): PartitionSnapshot {
    return {
      index: this.#state.appliedIndex,
      nextOffset: this.#state.appliedEndOffset,
      logStartOffset: this.#state.log.logStartOffset,
      producers: [...this.#producers.entries()],
    };
  }
}
