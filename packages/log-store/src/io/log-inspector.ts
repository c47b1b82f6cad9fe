import type { KeyValueStore } from "@stratalog/base";
import type { SegmentFacts } from "../core/checkpoint-format.ts";
import {
  groupDirectoryName,
  parseSegmentFileName,
  segmentFileName,
  walFileName,
} from "../core/file-names.ts";
import type { Frame } from "../core/frame.ts";
import type { GroupDescriptor } from "../core/group-descriptor.ts";
import { judgeWal } from "../core/wal-verdict.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { readCheckpoints } from "./checkpoint-store.ts";
import { readWhole, SegmentInspector } from "./segment-inspector.ts";
import { WalFiles } from "./wal-files.ts";
import { decodeMark, MARK_FILE } from "./wal-mark.ts";
import { findBatches, type StoredBatch } from "./wal-reader.ts";

/** Something in a data directory that is not as it must be. */
export interface LogProblem {
  readonly path: string;
  /** Byte in the file. */
  readonly position: number;
  readonly message: string;
}

/** One segment file. */
export interface SegmentReport {
  readonly path: string;
  readonly baseIndex: number;
  readonly lastIndex: number;
  readonly baseOffset: number;
  readonly nextOffset: number;
  readonly sizeBytes: number;
  readonly frames: number;
  readonly indexRows: number;
  readonly isSealed: boolean;
}

/** One group with what its segments hold. */
export interface GroupReport {
  readonly descriptor: GroupDescriptor;
  readonly firstIndex: number;
  /** According to the checkpoint; the WAL may hold more. */
  readonly lastIndex: number;
  readonly logStartOffset: number;
  readonly segments: readonly SegmentReport[];
}

/** One WAL file. */
export interface WalFileReport {
  readonly path: string;
  readonly firstBatch: number | undefined;
  readonly lastBatch: number | undefined;
  readonly batches: number;
  readonly isSealed: boolean;
}

/** A data directory as it lies there. */
export interface LogReport {
  readonly groups: readonly GroupReport[];
  readonly wal: readonly WalFileReport[];
  /** Batches that a start would replay: what they hold may be in no segment yet. */
  readonly batchesToReplay: number;
  readonly problems: readonly LogProblem[];
}

/** What to look at. Nothing is changed, neither files nor keys. */
export interface InspectOptions {
  readonly fileSystem: FileSystem;
  readonly keyValue: KeyValueStore;
  readonly directory: string;
  /** Called for every frame of the segments, in order within a group. */
  readonly onFrame?: (frame: Frame, group: GroupDescriptor) => void;
}

/**
 * Reads every checksum and checks every invariant of a log store's directory that nobody has open.
 * Bytes of a segment above its checkpoint are left alone: a start takes them from the WAL.
 */
export async function inspectLogs(options: InspectOptions): Promise<LogReport> {
  const { fileSystem, keyValue, directory } = options;
  const problems: LogProblem[] = [];
  const stored = await readCheckpoints(keyValue);
  const groups: GroupReport[] = [];
  for (const checkpoint of stored.groups.values()) {
    const { descriptor, firstIndex, lastIndex, logStartOffset } = checkpoint;
    const { group, replicaEpoch } = descriptor;
    const folder = `${directory}/groups/${groupDirectoryName(group, replicaEpoch)}`;
    if (checkpoint.damage !== undefined) {
      problems.push({ path: folder, position: 0, message: checkpoint.damage });
    }
    const facts = stored.segments.get(group) ?? [];
    const inspector = new SegmentInspector({ ...options, folder, descriptor, problems });
    const segments: SegmentReport[] = [];
    let nextIndex = firstIndex;
    for (const each of facts) {
      if (each.baseIndex !== nextIndex) {
        const path = `${folder}/${segmentFileName(each.baseIndex, "seg")}`;
        problems.push({ path, position: 0, message: `no segment holds index ${nextIndex}` });
      }
      nextIndex = each.lastIndex + 1;
      segments.push(await inspector.inspect(each));
    }
    await reportUnknownFiles({ fileSystem, folder, facts, problems });
    groups.push({ descriptor, firstIndex, lastIndex, logStartOffset, segments });
  }
  const { wal, found } = await inspectWal(fileSystem, `${directory}/wal`);
  const markPath = `${directory}/wal/${MARK_FILE}`;
  const mark = (await fileSystem.exists(markPath)) ? await readWhole(fileSystem, markPath) : [];
  const checkpoint = stored.wal ?? { replayFrom: 1, syncedThrough: 0 };
  const verdict = judgeWal(found, {
    checkpoint,
    markedThrough: decodeMark(Uint8Array.from(mark)),
    checkpointedThrough: 0,
  });
  if (verdict.damage !== undefined) {
    problems.push({ path: `${directory}/wal`, position: 0, message: verdict.damage });
  }
  for (const batch of found) {
    const { header, position, path, brokenEntries } = batch;
    if (header.batch > verdict.durableThrough || header.batch < checkpoint.replayFrom) continue;
    if (batch.isTableIntact && brokenEntries.length === 0) continue;
    problems.push({ path, position, message: `batch ${header.batch} fails its checksums` });
  }
  // A seal says that nothing is left, and has nothing itself.
  const batchesToReplay = verdict.replay.filter(({ header }) => !header.isSeal).length;
  return { groups, wal, batchesToReplay, problems };
}

/** A segment that no checkpoint knows is no damage, but no segment may be missing its checkpoint. */
async function reportUnknownFiles(work: {
  readonly fileSystem: FileSystem;
  readonly folder: string;
  readonly facts: readonly SegmentFacts[];
  readonly problems: LogProblem[];
}): Promise<void> {
  const { fileSystem, folder, facts, problems } = work;
  if (!(await fileSystem.exists(folder))) {
    if (facts.length > 0) problems.push({ path: folder, position: 0, message: "is missing" });
    return;
  }
  if (facts.length > 0) return;
  const names = await fileSystem.list(folder);
  if (!names.some((name) => parseSegmentFileName(name) !== undefined)) return;
  const message = "has segments that no checkpoint knows; a start takes their frames from the WAL";
  problems.push({ path: folder, position: 0, message });
}

async function inspectWal(
  fileSystem: FileSystem,
  directory: string,
): Promise<{ readonly wal: readonly WalFileReport[]; readonly found: readonly StoredBatch[] }> {
  const wal: WalFileReport[] = [];
  const all: StoredBatch[] = [];
  for (const life of await WalFiles.listLives(fileSystem, directory)) {
    const path = `${directory}/${walFileName(life)}`;
    const found = await findBatches(fileSystem, path, life);
    wal.push({
      path,
      firstBatch: found[0]?.header.batch,
      lastBatch: found.at(-1)?.header.batch,
      batches: found.length,
      isSealed: found.at(-1)?.header.isSeal === true,
    });
    all.push(...found);
  }
  return { wal, found: all };
}
