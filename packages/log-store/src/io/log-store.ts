import { assert, CodedError, type GroupNumber, type Timer } from "@stratalog/base";
import type { Frame } from "../core/frame.ts";
import { type GroupDescriptor, isSameReplica } from "../core/group-descriptor.ts";
import type { GroupChange } from "../core/group-state.ts";
import { INITIAL_HARD_STATE } from "../core/hard-state.ts";
import { Checkpointer } from "./checkpointer.ts";
import { DiskReserve } from "./disk-reserve.ts";
import { deleteGroup, putWal } from "./checkpoint-store.ts";
import { FlushScheduler } from "./flush-scheduler.ts";
import { GroupCreator } from "./group-creator.ts";
import { type GroupEntry, groupDirectory, newGroupEntry } from "./group-entry.ts";
import type { GroupLog } from "./group-log.ts";
import { DELETED_SUFFIX, type DamagedGroup, Recovery } from "./recovery.ts";
import type { LogStoreOptions } from "./store-options.ts";
import type { LogStoreStats } from "./store-stats.ts";
import { createStoreParts, type OpenParts } from "./store-parts.ts";
import { isDiskFull, WalFiles } from "./wal-files.ts";
import { WalWriter } from "./wal-writer.ts";

/**
 * All that one group asks to be stored in one turn. Applied in the order reset, truncateFrom,
 * frames, hardState.
 */
export interface GroupWrite extends GroupChange {
  readonly group: GroupNumber;
  readonly frames: readonly Frame[];
}

/** A group that was found in the data directory. */
export interface RecoveredGroup {
  readonly group: GroupNumber;
  readonly descriptor: GroupDescriptor;
  /**
   * damaged: acknowledged bytes are missing or invalid; the replica must not vote, lead or
   * acknowledge.
   */
  readonly state: "ready" | "damaged";
  readonly reason?: string;
}

/**
 * The logs of all groups of one broker: one write-ahead log with group commit in front of segments
 * per group. Fits raft-host's `LogStorage` port.
 *
 * Open it once per data directory; after `close`, or once `onFatal` was called, it must not be used
 * any more.
 */
export class LogStore {
  readonly #parts: OpenParts;
  readonly #wal: WalWriter;
  readonly #scheduler: FlushScheduler;
  readonly #reserve: DiskReserve;
  readonly #checkpointer: Checkpointer;
  readonly #creator: GroupCreator;
  readonly #groups: Map<number, GroupEntry>;
  readonly #damaged = new Map<number, DamagedGroup>();
  readonly #dropping = new Map<number, Promise<void>>();
  readonly #creating = new Map<number, Promise<void>>();
  #isClosed = false;
  #checkpointTimer: Timer | undefined;

  private constructor(parts: OpenParts, wal: WalWriter, entries: readonly GroupEntry[]) {
    this.#parts = parts;
    this.#wal = wal;
    this.#groups = new Map(entries.map((entry) => [entry.descriptor.group, entry]));
    const { settings, budget } = parts;
    this.#scheduler = new FlushScheduler({
      ...settings,
      budget,
      durableBatch: () => wal.durableBatch,
      onFatal: parts.fail,
    });
    this.#reserve = new DiskReserve(settings);
    this.#creator = new GroupCreator(settings, wal);
    this.#checkpointer = new Checkpointer({
      keyValue: settings.keyValue,
      wal,
      groups: this.#groups,
    });
  }

  /**
   * Opens a data directory: recovers every group in it, then begins a new WAL. Rejects with
   * STORAGE_DAMAGED when the directory as a whole cannot be believed; a single damaged group is
   * listed by `groups` instead.
   */
  static async open(options: LogStoreOptions): Promise<LogStore> {
    const parts = createStoreParts(options);
    const { settings } = parts;
    const recovered = await new Recovery(parts, parts.point).run();
    const { fileSystem, clock, timers, logger } = settings;
    const files = new WalFiles({
      fileSystem,
      directory: `${settings.directory}/wal`,
      fileBytes: settings.walFileBytes,
      sparesMax: settings.walFilesMax,
      timers,
      logger,
      nextLife: recovered.nextLife,
    });
    const wal = new WalWriter({
      ...recovered,
      files,
      clock,
      onDurable: (batch) => parts.onDurable(batch),
      onFatal: parts.fail,
    });
    await wal.writeNow("head");
    const { durableBatch } = wal;
    const checkpoint = putWal({ replayFrom: durableBatch, syncedThrough: durableBatch });
    await settings.keyValue.write([checkpoint], { sync: true });
    for (const life of recovered.oldLives) {
      const path = files.pathOf(life);
      if (recovered.mustKeepOldFiles) await files.quarantine(path);
      else await files.retireUnknown(path);
    }
    parts.point.follow(wal);
    const store = new LogStore(parts, wal, recovered.entries);
    for (const damaged of recovered.damaged) {
      store.#damaged.set(damaged.checkpoint.descriptor.group, damaged);
    }
    parts.onDurable = () => store.#onDurable();
    parts.onDamaged = () => store.#checkpointSoon();
    parts.budget.trim();
    store.#setCheckpointTimer();
    await store.#reserve.start();
    return store;
  }

  /** Every group in the directory, damaged ones too. */
  groups(): readonly RecoveredGroup[] {
    const ready = [...this.#groups.values()].filter((entry) => !entry.isDropped);
    return [
      ...ready.map(({ descriptor, state: { damage: reason } }): RecoveredGroup => {
        const found = { group: descriptor.group, descriptor };
        return reason === undefined
          ? { ...found, state: "ready" }
          : { ...found, state: "damaged", reason };
      }),
      ...[...this.#damaged.values()].map(({ checkpoint, reason }): RecoveredGroup => {
        const { descriptor } = checkpoint;
        return { group: descriptor.group, descriptor, state: "damaged", reason };
      }),
    ];
  }

  /** The log of a group that is ready. */
  group(group: GroupNumber): GroupLog | undefined {
    const entry = this.#groups.get(group);
    return entry === undefined || entry.isDropped ? undefined : entry.log;
  }

  /** The same for a group that must be there. */
  view(group: GroupNumber): GroupLog {
    const log = this.group(group);
    assert(log !== undefined, `no log of group ${group}`);
    return log;
  }

  /**
   * Stores the changes of many groups. They are visible in the groups' logs when this returns;
   * `onDurable` is called once all of them are synced, after the callbacks of earlier calls.
   */
  write(writes: readonly GroupWrite[], onDurable: () => void): void {
    assert(!this.#isClosed, "write to a closed log store");
    const batch = this.#wal.gathering;
    for (const change of writes) {
      const entry = this.#groups.get(change.group);
      assert(entry !== undefined && !entry.isDropped, `write to unknown group ${change.group}`);
      entry.state.apply(change, batch);
      const changesLog =
        change.frames.length > 0 || change.reset !== undefined || change.truncateFrom !== undefined;
      if (changesLog) {
        entry.writer.changed(batch.batch);
        this.#scheduler.changed(entry);
      }
    }
    this.#wal.commit(onDurable);
  }

  /**
   * Whether writers should hold back: frames wait for segments beyond the tail cache's budget, the
   * WAL's queue is as long as that, checkpoints are behind, or the disk is full. Replication and
   * votes go on all the same.
   */
  get isOverloaded(): boolean {
    const { budget, settings } = this.#parts;
    return (
      budget.isOverloaded ||
      this.#isDiskFull ||
      this.#wal.queuedBytes > budget.limitBytes ||
      this.#wal.liveFileCount > settings.walFilesMax * OVERLOAD_FILES_FACTOR
    );
  }

  get #isDiskFull(): boolean {
    return this.#scheduler.isDiskFull || this.#reserve.isReached;
  }

  /**
   * Whether followers should still take records: with half of the reserve gone, or no byte free,
   * what is left is for votes and for what frees space.
   */
  get takesRecords(): boolean {
    return !this.#reserve.isHalfGone && !this.#scheduler.isDiskFull;
  }

  /** Makes a group's log. Durable when it resolves; one that is there is given as it is. */
  createGroup(descriptor: GroupDescriptor): Promise<GroupLog> {
    const { group } = descriptor;
    const running = this.#creating.get(group) ?? Promise.resolve();
    // One at a time per group: a second one must not put a fresh checkpoint over a used log.
    const creating = running.then(() => this.#create(descriptor));
    const settled = creating.then(
      () => {},
      () => {},
    );
    this.#creating.set(group, settled);
    return creating.finally(() => {
      if (this.#creating.get(group) === settled) this.#creating.delete(group);
    });
  }

  async #create(descriptor: GroupDescriptor): Promise<GroupLog> {
    await this.#dropping.get(descriptor.group);
    const existing = this.#existing(descriptor);
    if (existing !== undefined) return existing;
    const checkpoint = await this.#orFail(this.#creator.create(descriptor));
    const entry = newGroupEntry(this.#parts, checkpoint);
    this.#groups.set(descriptor.group, entry);
    this.#wal.addGroup(descriptor.group, INITIAL_HARD_STATE);
    return entry.log;
  }

  #existing(descriptor: GroupDescriptor): GroupLog | undefined {
    const entry = this.#groups.get(descriptor.group);
    const damage = this.#damaged.get(descriptor.group)?.reason ?? entry?.state.damage;
    if (damage !== undefined && entry?.isDropped !== true) {
      throw new CodedError(
        "STORAGE_DAMAGED",
        `group ${descriptor.group} is damaged (${damage}); drop it first`,
      );
    }
    if (entry === undefined || entry.isDropped) return undefined;
    assert(
      isSameReplica(entry.descriptor, descriptor),
      `group ${descriptor.group} exists with replica epoch ${entry.descriptor.replicaEpoch}`,
    );
    return entry.log;
  }

  /**
   * Removes a group and its files; a damaged one too. Harmless when there is none. Durable when it
   * resolves.
   */
  dropGroup(group: GroupNumber): Promise<void> {
    const running = this.#dropping.get(group);
    if (running !== undefined) return running;
    const dropping = this.#drop(group).finally(() => this.#dropping.delete(group));
    this.#dropping.set(group, dropping);
    return dropping;
  }

  async #drop(group: GroupNumber): Promise<void> {
    const entry = this.#groups.get(group);
    const descriptor = entry?.descriptor ?? this.#damaged.get(group)?.checkpoint.descriptor;
    if (descriptor === undefined) return;
    const batch = this.#wal.gathering;
    batch.addDrop(group, descriptor.replicaEpoch);
    if (entry !== undefined) {
      entry.isDropped = true;
      entry.writer.changed(batch.batch);
    }
    await this.#wal.synced();
    await entry?.writer.drained();
    const { settings } = this.#parts;
    const directory = groupDirectory(settings, descriptor);
    for (const segment of entry?.segments.list ?? []) segment.close();
    const isThere = await settings.fileSystem.exists(directory);
    const removing = this.#checkpointer.exclusive(async () => {
      // A damaged group may have lost its directory.
      if (isThere) await settings.fileSystem.rename(directory, `${directory}${DELETED_SUFFIX}`);
      await settings.fileSystem.syncDirectory(`${settings.directory}/groups`);
      const changes = await deleteGroup(settings.keyValue, group);
      await settings.keyValue.write(changes, { sync: true });
    });
    await this.#orFail(removing);
    entry?.state.release();
    this.#groups.delete(group);
    this.#damaged.delete(group);
    if (isThere) await settings.fileSystem.removeDirectory(`${directory}${DELETED_SUFFIX}`);
  }

  /**
   * What comes of work that makes names or checkpoints durable. When that fails, nobody knows what
   * is on the disk, and a second try that succeeds proves nothing: the store ends. Only a full disk
   * leaves things as they were.
   */
  async #orFail<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!isDiskFull(error)) this.#parts.fail(error);
      throw error;
    }
  }

  /** Makes a checkpoint now: afterwards a restart has little to replay. */
  async checkpoint(): Promise<void> {
    await this.#checkpointer.run();
  }

  stats(): LogStoreStats {
    const { budget, resources } = this.#parts;
    const { syncs, bytes, lastSyncMs, maxSyncMs, sumSyncMs } = this.#wal.stats;
    return {
      walSyncs: syncs,
      walBytes: bytes,
      walQueuedBytes: this.#wal.queuedBytes,
      walFiles: this.#wal.liveFileCount,
      walBatchUnderWay: this.#wal.batchUnderWay,
      lastSyncMs,
      maxSyncMs,
      sumSyncMs,
      pinnedBytes: budget.pinnedBytes,
      tailCacheBytes: budget.usedBytes,
      openFiles: resources.handles.openCount,
      isOverloaded: this.isOverloaded,
      isDiskFull: this.#isDiskFull,
    };
  }

  /**
   * Before a stop: resolves once every write is durable, or is given up because the disk has no
   * room for it, and then its callback is never called. From now on nothing waits for room.
   */
  async settle(): Promise<void> {
    if (!this.#parts.hasFailed) await this.#wal.settle();
  }

  /**
   * Syncs and flushes everything, makes a checkpoint, and seals the WAL: nothing is left to replay.
   * What a full disk has no room for is left out, as by a kill: it never counted.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#checkpointTimer?.cancel();
    this.#reserve.stop();
    if (this.#parts.hasFailed) {
      // Nothing can be made durable any more, and what was promised is in the WAL.
      this.#scheduler.stop();
      return;
    }
    try {
      if (await this.#wal.settle()) await this.#seal();
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    } finally {
      this.#scheduler.stop();
      await this.#checkpointer.exclusive(() => Promise.resolve());
      for (const { writer } of this.#groups.values()) await writer.drained();
      await this.#wal.close();
      await this.#parts.resources.handles.closeAll();
    }
  }

  async #seal(): Promise<void> {
    await Promise.all(this.#dropping.values());
    this.#scheduler.stop();
    await this.#checkpointer.run();
    await this.#checkpointer.run();
    const isClean = [...this.#groups.values()].every(({ writer }) => !writer.needsCheckpoint);
    await this.#wal.writeNow(isClean ? "complete-seal" : "seal");
  }

  #onDurable(): void {
    this.#scheduler.pump();
    this.#reserve.wrote(this.#wal.stats.bytes);
    if (this.#wal.liveFileCount > this.#parts.settings.walFilesMax) this.#checkpointSoon();
  }

  #checkpointSoon(): void {
    if (!this.#isClosed) this.#checkpointer.run().catch(this.#parts.fail);
  }

  #setCheckpointTimer(): void {
    const { timers, checkpointIntervalMs } = this.#parts.settings;
    this.#checkpointTimer = timers.after(checkpointIntervalMs, () => {
      if (this.#isClosed || this.#parts.hasFailed) return;
      const needsOne = [...this.#groups.values()].some((entry) => entry.writer.needsCheckpoint);
      if (needsOne) this.#checkpointSoon();
      this.#setCheckpointTimer();
    });
  }
}

/** Live WAL files, in multiples of those that begin a checkpoint, at which writers have to wait. */
const OVERLOAD_FILES_FACTOR = 4;
