import { assert, type Clock, CodedError } from "@stratalog/base";
import { INITIAL_HARD_STATE, type StoredHardState } from "../core/hard-state.ts";
import { encodeWalBatch, WalBatch } from "../core/wal-batch.ts";
import { isDiskFull, type WalFile, type WalFiles } from "./wal-files.ts";
import type { WalMark } from "./wal-mark.ts";

/**
 * A batch is closed for more records at this size, so that one commit cannot grow without a bound.
 */
const BATCH_BYTES_MAX = 16 * 1024 * 1024;

/** What a batch is written for. */
type BatchKind = "commit" | "head" | "seal" | "complete-seal";

/** A file with batches that recovery may still need. */
interface LiveFile {
  readonly file: WalFile;
  readonly firstBatch: number;
}

/** Figures about the WAL since it was opened. */
export interface WalStats {
  syncs: number;
  bytes: number;
  lastSyncMs: number;
  maxSyncMs: number;
  sumSyncMs: number;
}

/**
 * Group commit: everything that gathers while one batch is written and synced goes out as the next
 * one, with one vectored write and one sync for all groups. Completions run in the order of the
 * writes.
 *
 * Invariant: batch n + 1 is written only after batch n is synced, so a batch proves that all before
 * it are durable.
 */
export class WalWriter {
  readonly #files: WalFiles;
  readonly #mark: WalMark;
  readonly #clock: Clock;
  readonly #onDurable: (batch: number) => void;
  readonly #onFatal: (error: unknown) => void;
  readonly #live: LiveFile[] = [];
  readonly #queue: WalBatch[] = [];
  #gathering: WalBatch;
  #writing: WalBatch | undefined;
  #loop: Promise<void> | undefined;
  #position = 0;
  #durableBatch: number;
  #replayFrom: number;
  #hasFailed = false;
  /** A stop is under way: a full disk is not waited for. */
  #isSettling = false;
  #hasGivenUp = false;
  /** Those who wait in `synced`. */
  readonly #waiting = new Set<(error: CodedError) => void>();
  /** Hard states of all groups after `#durableBatch`. */
  readonly #hardStates: Map<number, StoredHardState>;
  readonly stats: WalStats = { syncs: 0, bytes: 0, lastSyncMs: 0, maxSyncMs: 0, sumSyncMs: 0 };

  constructor(options: {
    readonly files: WalFiles;
    readonly mark: WalMark;
    readonly clock: Clock;
    /** The first batch; whatever is below it is checkpointed. */
    readonly nextBatch: number;
    readonly hardStates: ReadonlyMap<number, StoredHardState>;
    readonly onDurable: (batch: number) => void;
    readonly onFatal: (error: unknown) => void;
  }) {
    this.#files = options.files;
    this.#mark = options.mark;
    this.#clock = options.clock;
    this.#onDurable = options.onDurable;
    this.#onFatal = options.onFatal;
    this.#durableBatch = options.nextBatch - 1;
    this.#replayFrom = options.nextBatch;
    this.#gathering = new WalBatch(options.nextBatch);
    this.#hardStates = new Map(options.hardStates);
  }

  /** The batch that records of this turn go to. */
  get gathering(): WalBatch {
    if (this.#gathering.sizeBytes >= BATCH_BYTES_MAX) this.#closeGathering();
    return this.#gathering;
  }
  get durableBatch(): number {
    return this.#durableBatch;
  }
  get replayFrom(): number {
    return this.#replayFrom;
  }
  /** Bytes that wait to be written. */
  get queuedBytes(): number {
    let bytes = this.#gathering.sizeBytes + (this.#writing?.sizeBytes ?? 0);
    for (const batch of this.#queue) bytes += batch.sizeBytes;
    return bytes;
  }
  /** Number of the batch that is being written and synced now. */
  get batchUnderWay(): number | undefined {
    return this.#writing?.batch;
  }
  /** Files that recovery would read. */
  get liveFileCount(): number {
    return this.#live.length;
  }

  hardStateOf(group: number): StoredHardState {
    return this.#hardStates.get(group) ?? INITIAL_HARD_STATE;
  }

  /** Registers a group that was created or recovered, for the heads of later files. */
  addGroup(group: number, hardState: StoredHardState): void {
    this.#hardStates.set(group, hardState);
  }

  /** Runs `task` once everything gathered so far is synced, after all tasks before it. */
  commit(task: () => void): void {
    this.#gathering.completions.push(task);
    // The microtask lets the rest of this synchronous stretch join the batch.
    if (!this.#hasFailed) this.#loop ??= Promise.resolve().then(() => this.#run());
  }

  /**
   * Resolves when everything gathered so far is synced. Rejects with CLOSED when `settle` gave it
   * up.
   */
  synced(): Promise<void> {
    if (this.#hasGivenUp) return Promise.reject(givenUp());
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      this.commit(() => {
        this.#waiting.delete(reject);
        resolve();
      });
    });
  }

  /**
   * Before a stop: resolves once everything gathered so far is synced, or is given up because the
   * disk has no room for it. Nobody is told that what is given up is durable, and nothing is
   * written after it. Answers whether all was synced.
   */
  async settle(): Promise<boolean> {
    this.#isSettling = true;
    this.#files.stopWaiting();
    if (!this.#hasGivenUp) await this.synced().catch(() => {});
    return !this.#hasGivenUp;
  }

  /**
   * Writes a batch though it is empty: the head of a new file, or the seal of a clean stop. A
   * complete seal has all hard states and says that nothing before it is needed: every group is
   * checkpointed.
   */
  async writeNow(kind: BatchKind): Promise<void> {
    await this.#loop;
    this.#closeGathering();
    const batch = this.#queue.shift();
    assert(batch !== undefined && batch.isEmpty, `no batch for the ${kind}`);
    await this.#write(batch, kind);
  }

  #closeGathering(): void {
    this.#queue.push(this.#gathering);
    this.#gathering = new WalBatch(this.#gathering.batch + 1);
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0 || this.#gathering.completions.length > 0) {
        if (this.#queue.length === 0) this.#closeGathering();
        const batch = this.#queue.shift();
        assert(batch !== undefined, "a batch is queued");
        this.#writing = batch;
        await this.#write(batch, "commit");
        this.#writing = undefined;
        for (const complete of batch.completions) complete();
      }
      // Nothing follows that would say so: the mark does.
      this.#mark.write(this.#durableBatch);
    } catch (error) {
      this.#hasFailed = true;
      if (this.#isSettling && isDiskFull(error)) this.#giveUp();
      else this.#onFatal(error);
    } finally {
      this.#loop = undefined;
    }
  }

  #giveUp(): void {
    this.#hasGivenUp = true;
    for (const reject of this.#waiting) reject(givenUp());
    this.#waiting.clear();
  }

  async #write(batch: WalBatch, kind: BatchKind): Promise<void> {
    const current = this.#live.at(-1);
    const fits =
      current !== undefined && this.#position + batch.sizeBytes <= current.file.capacityBytes;
    const file = fits ? current.file : await this.#openNextFile(batch);
    const { parts, sizeBytes } = encodeWalBatch(batch, {
      life: file.life,
      syncedThrough: this.#durableBatch,
      replayFrom: kind === "complete-seal" ? batch.batch : this.#replayFrom,
      head: fits && kind !== "complete-seal" ? undefined : this.#hardStates,
      isSeal: kind === "seal" || kind === "complete-seal",
    });
    const startMs = this.#clock.monotonicMs();
    await this.#writeParts(file, parts);
    await file.handle.dataSync();
    this.#count(this.#clock.monotonicMs() - startMs, sizeBytes);
    this.#position += sizeBytes;
    this.#durableBatch = batch.batch;
    for (const [group, hardState] of batch.hardStates) {
      if (hardState === undefined) this.#hardStates.delete(group);
      else this.#hardStates.set(group, hardState);
    }
    this.#onDurable(batch.batch);
  }

  /**
   * Writes a batch. One that is larger than its file makes it grow, which a full disk refuses: then
   * it is tried again until there is room, so that votes wait and are not lost.
   */
  async #writeParts(file: WalFile, parts: readonly Uint8Array[]): Promise<void> {
    for (;;) {
      try {
        await file.handle.write(parts, this.#position);
        return;
      } catch (error) {
        if (!isDiskFull(error) || !(await this.#files.waitForSpace())) throw error;
      }
    }
  }

  async #openNextFile(first: WalBatch): Promise<WalFile> {
    const file = await this.#files.take();
    this.#live.push({ file, firstBatch: first.batch });
    this.#position = 0;
    this.#files.prepareNext();
    return file;
  }

  #count(syncMs: number, bytes: number): void {
    this.stats.syncs++;
    this.stats.bytes += bytes;
    this.stats.lastSyncMs = syncMs;
    this.stats.maxSyncMs = Math.max(this.stats.maxSyncMs, syncMs);
    this.stats.sumSyncMs += syncMs;
  }

  /**
   * The head from which recovery would have to replay when `neededBatch` is the oldest batch that
   * still matters.
   */
  replayFromFor(neededBatch: number): number {
    let result = this.#replayFrom;
    for (const { firstBatch } of this.#live) {
      // A head counts once it is durable.
      if (firstBatch <= neededBatch && firstBatch <= this.#durableBatch) {
        result = Math.max(result, firstBatch);
      }
    }
    return result;
  }

  /** A checkpoint that makes everything below a head unnecessary is durable: older files go. */
  async advanceReplayFrom(replayFrom: number): Promise<void> {
    this.#replayFrom = Math.max(this.#replayFrom, replayFrom);
    for (let next = this.#live[1]; next !== undefined; next = this.#live[1]) {
      const oldest = this.#live[0];
      if (oldest === undefined || next.firstBatch > this.#replayFrom) return;
      this.#live.shift();
      const { path, handle } = oldest.file;
      const sizeBytes = await handle.sizeBytes();
      await handle.close();
      await this.#files.retire(path, sizeBytes);
    }
  }

  /** Waits for what is under way and closes the files. */
  async close(): Promise<void> {
    await this.#loop;
    for (const { file } of this.#live) await file.handle.close();
    await this.#files.close();
    await this.#mark.close();
  }
}

function givenUp(): CodedError {
  return new CodedError("CLOSED", "the log store closes, and its disk is full");
}
