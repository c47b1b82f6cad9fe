import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "./byte-cursor.ts";
import { type LevelFinding, readLevelLog } from "./level-log.ts";
import { liveFiles } from "./level-manifest.ts";
import { flawOfTable } from "./level-table.ts";

/** What a look at the files of a LevelDB directory came to. */
export interface LevelCheck {
  /** Damage: tables and manifests are synced before anything relies on them. */
  readonly damage: readonly LevelFinding[];
  /**
   * Flaws in write-ahead logs. After a power cut their unsynced end may be anything; LevelDB leaves
   * out what does not hold, and what was synced is missed by whoever wrote it.
   */
  readonly suspicions: readonly LevelFinding[];
}

const NOTHING: LevelCheck = { damage: [], suspicions: [] };

/**
 * Checks every checksum in the files that LevelDB is about to read, without a change to them.
 * LevelDB checks blocks when it comes to read them and says neither which nor where; it also
 * removes a write-ahead log once it has taken from it what holds.
 */
export async function checkLevelFiles(directory: string): Promise<LevelCheck> {
  const names = await namesIn(directory);
  if (!names.includes("CURRENT")) return NOTHING;
  const current = (await readFile(join(directory, "CURRENT"))).toString("latin1");
  const manifest = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (manifest === undefined || !names.includes(manifest)) {
    const reason = `names ${JSON.stringify(current)}, which is no manifest of this directory`;
    return { damage: [{ file: join(directory, "CURRENT"), position: 0, reason }], suspicions: [] };
  }
  const file = join(directory, manifest);
  const { records, flaw } = readLevelLog(await readFile(file));
  const damage: LevelFinding[] = flaw === undefined ? [] : [{ file, ...flaw }];
  const suspicions: LevelFinding[] = [];
  try {
    const live = liveFiles(records);
    for (const name of names) {
      const [, number, kind] = /^(\d+)\.(log|ldb|sst)$/.exec(name) ?? [];
      if (number === undefined) continue;
      const path = join(directory, name);
      const isLiveLog = Number(number) >= live.log || Number(number) === live.previousLog;
      if (kind === "log") {
        if (!isLiveLog) continue;
        const log = readLevelLog(await readFile(path));
        if (log.flaw !== undefined) suspicions.push({ file: path, ...log.flaw });
      } else if (live.tables.has(Number(number))) {
        const found = flawOfTable(await readFile(path));
        if (found !== undefined) damage.push({ file: path, ...found });
      }
    }
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    damage.push({ file, position: 0, reason: error.message });
  }
  return { damage, suspicions };
}

/** A finding as an error tells it. */
export function describeFinding({ file, position, reason }: LevelFinding): string {
  return `${file} at byte ${position}: ${reason}`;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (isMissing) return [];
    throw error;
  }
}
