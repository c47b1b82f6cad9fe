import { CodedError, type KeyValueChange, type Logger } from "@stratalog/base";
import {
  type GroupCheckpoint,
  groupKey,
  WAL_KEY,
  type WalCheckpoint,
} from "../core/checkpoint-format.ts";
import { parseGroupDirectoryName, parseSegmentFileName, walFileName } from "../core/file-names.ts";
import type { LogFrame } from "../core/frame.ts";
import { type GroupPlan, GroupReplay, type ReplayRun } from "../core/group-replay.ts";
import type { StoredHardState } from "../core/hard-state.ts";
import { judgeWal, type WalVerdict } from "../core/wal-verdict.ts";
import {
  deleteGroup,
  putGroup,
  putWal,
  readCheckpoints,
  type StoredCheckpoints,
} from "./checkpoint-store.ts";
import { Gate } from "./gate.ts";
import { type GroupEntry, groupDirectory, type StoreParts } from "./group-entry.ts";
import { cutGroup, type RecoveringGroup } from "./group-recovery.ts";
import { WalFiles } from "./wal-files.ts";
import { WalMark } from "./wal-mark.ts";
import { copyTail } from "./wal-tail-copy.ts";
import { BatchContent, findBatches, type StoredBatch } from "./wal-reader.ts";

/** A group whose log cannot be trusted. */
export interface DamagedGroup {
  readonly checkpoint: GroupCheckpoint;
  readonly reason: string;
}

/** What recovery hands to the store. Everything in it is durable outside the old WAL files. */
export interface Recovered {
  readonly entries: readonly GroupEntry[];
  readonly damaged: readonly DamagedGroup[];
  readonly hardStates: ReadonlyMap<number, StoredHardState>;
  readonly nextBatch: number;
  readonly nextLife: number;
  readonly mark: WalMark;
  /** Old WAL files: to be retired once the new WAL has a head. */
  readonly oldLives: readonly number[];
  /** The old files hold what a damaged group lacks: they are kept aside instead. */
  readonly mustKeepOldFiles: boolean;
}

/** Mutable while recovery runs: what the groups' writers take for the durable end of the WAL. */
export interface RecoveryPoint {
  recoveredBatch: number;
  hardStates: ReadonlyMap<number, StoredHardState>;
}

const FRESH: WalCheckpoint = { replayFrom: 1, syncedThrough: 0 };

/**
 * Brings a data directory back: reads checkpoints and WAL, decides what counted, cuts the segments
 * at their checkpoints, writes the rest of the log from the WAL into new segments, syncs them, and
 * makes checkpoints. Takes time in proportion to the WAL; sealed segments are only looked at from
 * outside.
 */
export class Recovery {
  readonly #parts: StoreParts;
  readonly #point: RecoveryPoint;
  readonly #logger: Logger;
  readonly #walDirectory: string;

  constructor(parts: StoreParts, point: RecoveryPoint) {
    this.#parts = parts;
    this.#point = point;
    this.#logger = parts.settings.logger;
    this.#walDirectory = `${parts.settings.directory}/wal`;
  }

  async run(): Promise<Recovered> {
    const { fileSystem, directory } = this.#parts.settings;
    await fileSystem.makeDirectory(this.#walDirectory);
    await fileSystem.makeDirectory(`${directory}/groups`);
    await fileSystem.syncDirectory(directory);
    const stored = await readCheckpoints(this.#parts.settings.keyValue);
    const lives = await WalFiles.listLives(fileSystem, this.#walDirectory);
    const found: StoredBatch[] = [];
    for (const life of lives) {
      const path = `${this.#walDirectory}/${walFileName(life)}`;
      found.push(...(await findBatches(fileSystem, path, life)));
    }
    const mark = await WalMark.open(fileSystem, this.#walDirectory, (error) => {
      this.#logger.warn({ error }, "the mark of the last synced batch could not be written");
    });
    const verdict = await this.#judge(stored, found, mark);
    await this.#refuseOrphans(stored);
    const lastLife = lives.at(-1) ?? 0;
    const copiedLives = await this.#copyTail(verdict, found, lastLife + 1);
    const plans = await this.#plan(stored, verdict, found);
    this.#point.recoveredBatch = verdict.nextBatch - 1;
    this.#point.hardStates = hardStatesOf(plans);
    const outcome = await this.#execute(
      stored,
      plans,
      this.#replayOf(verdict, found),
      verdict.nextBatch,
    );
    return {
      ...outcome,
      hardStates: this.#point.hardStates,
      nextBatch: verdict.nextBatch,
      nextLife: lastLife + 1 + copiedLives.length,
      mark,
      oldLives: [...lives, ...copiedLives],
    };
  }

  /**
   * Makes durable what was read but is not known to be synced; gives the lives of the files made
   * for it.
   */
  async #copyTail(
    verdict: WalVerdict,
    found: readonly StoredBatch[],
    life: number,
  ): Promise<readonly number[]> {
    const replay = this.#replayOf(verdict, found);
    const tail = replay.filter(({ header }) => header.batch > verdict.durableThrough);
    if (tail.length === 0) return [];
    const { fileSystem } = this.#parts.settings;
    const directory = this.#walDirectory;
    const path = `${directory}/${walFileName(life)}`;
    await copyTail({ fileSystem, directory, path, life }, tail);
    return [life];
  }

  async #judge(
    stored: StoredCheckpoints,
    found: readonly StoredBatch[],
    mark: WalMark,
  ): Promise<WalVerdict> {
    const isFresh = stored.wal === undefined;
    if (isFresh && (found.length > 0 || stored.groups.size > 0)) {
      throw new CodedError(
        "STORAGE_DAMAGED",
        `kv/ has no key "${WAL_KEY}" but the directory has data; restore it or replace this broker`,
      );
    }
    const checkpoint = stored.wal ?? FRESH;
    if (isFresh) {
      await this.#parts.settings.keyValue.write([putWal(checkpoint)], { sync: true });
    }
    let checkpointedThrough = 0;
    for (const group of stored.groups.values()) {
      checkpointedThrough = Math.max(checkpointedThrough, group.batch);
    }
    const markedThrough = await mark.read();
    const verdict = judgeWal(found, { checkpoint, markedThrough, checkpointedThrough });
    if (verdict.damage !== undefined) this.#logger.error({ reason: verdict.damage }, "damaged WAL");
    return verdict;
  }

  /** A directory with segments that no checkpoint knows means that checkpoints were lost. */
  async #refuseOrphans(stored: StoredCheckpoints): Promise<void> {
    const { fileSystem, directory } = this.#parts.settings;
    for (const name of await fileSystem.list(`${directory}/groups`)) {
      const path = `${directory}/groups/${name}`;
      if (name.endsWith(DELETED_SUFFIX)) {
        await fileSystem.removeDirectory(path);
        continue;
      }
      const parsed = parseGroupDirectoryName(name);
      if (parsed === undefined) continue;
      const checkpoint = stored.groups.get(parsed.group);
      if (checkpoint?.descriptor.replicaEpoch === parsed.replicaEpoch) continue;
      const files = await fileSystem.list(path);
      if (files.some((file) => parseSegmentFileName(file) !== undefined)) {
        throw new CodedError(
          "STORAGE_DAMAGED",
          `${path} has segments but kv/ has no key "${groupKey(parsed.group)}" for it; ` +
            "restore kv/ or remove the directory",
          { details: { directory: path } },
        );
      }
    }
  }

  /** Replays the records, without payloads, into one plan per group. */
  async #plan(
    stored: StoredCheckpoints,
    verdict: WalVerdict,
    found: readonly StoredBatch[],
  ): Promise<readonly GroupPlan[]> {
    const replays = new Map<number, GroupReplay>();
    for (const [group, checkpoint] of stored.groups) {
      replays.set(group, new GroupReplay(checkpoint, verdict.damage));
    }
    const unknown = new Set<number>();
    for (const batch of this.#replayOf(verdict, found)) {
      const content = await BatchContent.read(this.#parts.settings.fileSystem, batch, "records");
      const broken = new Set(batch.brokenEntries);
      const where = `${batch.path} at byte ${batch.position}`;
      for (const [ordinal, record] of content.records.entries()) {
        const replay = replays.get(record.group);
        const at = { batch: batch.header.batch, ordinal, isBroken: broken.has(ordinal), where };
        replay?.apply(record, at);
        if (replay === undefined && record.type === "drop") unknown.delete(record.group);
        else if (replay === undefined) unknown.add(record.group);
      }
    }
    if (unknown.size > 0) {
      throw new CodedError(
        "STORAGE_DAMAGED",
        `the WAL has records of groups ${[...unknown].join(", ")}, which have no checkpoint; restore kv/`,
      );
    }
    return [...replays.values()].map((replay) => replay.finish());
  }

  #replayOf(verdict: WalVerdict, found: readonly StoredBatch[]): readonly StoredBatch[] {
    const wanted = new Set<unknown>(verdict.replay);
    const byBatch = found.filter((batch) => wanted.has(batch));
    return byBatch.toSorted((a, b) => a.header.batch - b.header.batch);
  }

  async #execute(
    stored: StoredCheckpoints,
    plans: readonly GroupPlan[],
    batches: readonly StoredBatch[],
    nextBatch: number,
  ): Promise<Pick<Recovered, "entries" | "damaged" | "mustKeepOldFiles">> {
    const changes: KeyValueChange[] = [];
    const recovering = new Map<number, RecoveringGroup>();
    const damaged: DamagedGroup[] = [];
    let mustKeepOldFiles = false;
    const outcomes = await this.#cutAll(stored, plans);
    for (const [at, plan] of plans.entries()) {
      const { checkpoint } = plan;
      const { group } = checkpoint.descriptor;
      const outcome = outcomes[at];
      if (outcome === undefined) {
        changes.push(...(await this.#finishDrop(checkpoint)));
        continue;
      }
      if (typeof outcome !== "string") {
        recovering.set(group, outcome);
        continue;
      }
      this.#logger.error({ group, reason: outcome }, "damaged replica: it takes part no more");
      // Also when the damage was known: entries that no segment has may be in the WAL alone.
      mustKeepOldFiles ||= checkpoint.damage === undefined || plan.runs.length > 0;
      damaged.push({ checkpoint, reason: outcome });
      changes.push(putGroup({ ...checkpoint, damage: outcome }));
    }
    await this.#append(recovering, batches);
    // All groups are checkpointed: what follows begins with a batch that is still to be written.
    changes.push(putWal({ replayFrom: nextBatch, syncedThrough: nextBatch - 1 }));
    const entries = [...recovering.values()].map((each) => each.entry);
    changes.push(...(await prepareAll(entries)));
    await this.#parts.settings.keyValue.write(changes, { sync: true });
    for (const { writer } of entries) await writer.completeCheckpoint();
    return { entries, damaged, mustKeepOldFiles };
  }

  /**
   * Looks at the files of all groups, several at a time: each takes a few calls that wait. Gives
   * undefined for those that were dropped.
   */
  async #cutAll(
    stored: StoredCheckpoints,
    plans: readonly GroupPlan[],
  ): Promise<readonly (RecoveringGroup | string | undefined)[]> {
    const gate = new Gate(CONCURRENT_GROUPS);
    const cut = async (plan: GroupPlan): Promise<RecoveringGroup | string | undefined> =>
      plan.isDropped ? undefined : gate.run(() => this.#cutOrDamage(stored, plan));
    return allEnded(plans.map(cut));
  }

  async #cutOrDamage(
    stored: StoredCheckpoints,
    plan: GroupPlan,
  ): Promise<RecoveringGroup | string> {
    if (plan.damage !== undefined) return plan.damage;
    try {
      const facts = stored.segments.get(plan.checkpoint.descriptor.group) ?? [];
      return await cutGroup(this.#parts, plan, facts);
    } catch (error) {
      if (CodedError.is(error) && error.code === "STORAGE_DAMAGED") return error.message;
      throw error;
    }
  }

  /**
   * Appends the surviving entries of the WAL, in new segments; flushes on the way so that memory
   * stays bounded.
   */
  async #append(
    recovering: ReadonlyMap<number, RecoveringGroup>,
    batches: readonly StoredBatch[],
  ): Promise<void> {
    const { budget, settings } = this.#parts;
    const runsByBatch = indexRuns(recovering);
    for (const batch of batches) {
      const runs = runsByBatch.get(batch.header.batch);
      if (runs === undefined) continue;
      const content = await BatchContent.read(settings.fileSystem, batch, "records-and-payloads");
      for (const [group, frames] of survivingFrames(content, runs)) {
        recovering.get(group)?.entry.state.append(frames, 0);
      }
      if (budget.pinnedBytes * 4 < budget.limitBytes) continue;
      for (const { entry } of recovering.values()) {
        if (entry.state.pendingBytes > 0) await entry.writer.flush();
      }
      budget.trim();
    }
  }

  /** The group's DROP record is durable: what a crash left undone is done now. */
  async #finishDrop(checkpoint: GroupCheckpoint): Promise<readonly KeyValueChange[]> {
    const { settings } = this.#parts;
    const path = groupDirectory(settings, checkpoint.descriptor);
    // Made again when it is gone: a sync that failed may have lost the removal of its name, and no
    // later one writes that. Removing it anew does.
    await settings.fileSystem.makeDirectory(path);
    await settings.fileSystem.removeDirectory(path);
    // Also when it is gone already: the process that moved it away may have been killed before its
    // sync, and a directory that came back without a checkpoint would be refused.
    await settings.fileSystem.syncDirectory(`${settings.directory}/groups`);
    return deleteGroup(settings.keyValue, checkpoint.descriptor.group);
  }
}

/** Groups whose files are looked at or synced at once. */
const CONCURRENT_GROUPS = 8;

/** Flushes and syncs every group; gives what their checkpoints say. */
async function prepareAll(entries: readonly GroupEntry[]): Promise<readonly KeyValueChange[]> {
  const gate = new Gate(CONCURRENT_GROUPS);
  const prepare = ({ writer }: GroupEntry): Promise<readonly KeyValueChange[] | "full"> =>
    gate.run(() => writer.prepareCheckpoint());
  const prepared = await allEnded(entries.map(prepare));
  return prepared.flatMap((changes) => {
    if (changes !== "full") return changes;
    const message = "no space to recover the log; free some and start again";
    throw new CodedError("STORAGE_FULL", message);
  });
}

/** The results, once all work has ended, also when some of it fails. */
async function allEnded<T>(work: readonly Promise<T>[]): Promise<readonly T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((each) => {
    if (each.status === "rejected") throw each.reason;
    return each.value;
  });
}

/** What a dropped group's directory is renamed to before it is removed. */
export const DELETED_SUFFIX = ".deleted";

function hardStatesOf(plans: readonly GroupPlan[]): ReadonlyMap<number, StoredHardState> {
  const states = new Map<number, StoredHardState>();
  for (const plan of plans) {
    if (!plan.isDropped) states.set(plan.checkpoint.descriptor.group, plan.hardState);
  }
  return states;
}

type RunsByGroup = Map<number, ReplayRun[]>;

function indexRuns(
  recovering: ReadonlyMap<number, RecoveringGroup>,
): ReadonlyMap<number, RunsByGroup> {
  const byBatch = new Map<number, RunsByGroup>();
  for (const [group, { runs }] of recovering) {
    for (const run of runs) {
      const byGroup: RunsByGroup = byBatch.get(run.batch) ?? new Map();
      const list = byGroup.get(group) ?? [];
      list.push(run);
      byGroup.set(group, list);
      byBatch.set(run.batch, byGroup);
    }
  }
  return byBatch;
}

function survivingFrames(
  content: BatchContent,
  runs: RunsByGroup,
): ReadonlyMap<number, readonly LogFrame[]> {
  const frames = new Map<number, LogFrame[]>();
  for (const [ordinal, record] of content.records.entries()) {
    if (record.type !== "entry") continue;
    const survives = (run: ReplayRun): boolean =>
      ordinal >= run.firstRecord && ordinal <= run.lastRecord && record.header.index <= run.toIndex;
    if (runs.get(record.group)?.some(survives) !== true) continue;
    const list = frames.get(record.group) ?? [];
    list.push(content.frame(record));
    frames.set(record.group, list);
  }
  return frames;
}
