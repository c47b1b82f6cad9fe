import { CodedError, type KeyValueStore } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import {
  type FlipEnding,
  type FlipOutcome,
  judgeFlip,
  makeFlipDirectory,
} from "@stratalog/log-store/testing";
import { judgeCluster, makeClusterImage } from "./cluster-flips.ts";
import { LevelDirectory, RecordedKeyValue } from "./level-directory.ts";

/**
 * store: a log store by itself, two groups. rf1 and rf3: brokers as they ship, one alone and three
 * with every partition on each; the flipped bit is on the one that leads.
 */
export type FlipKind = "store" | "rf1" | "rf3";

/** One file of a data directory, and what becomes of a flipped bit in it. */
export interface FlippableFile {
  readonly sizeBytes: number;
  readonly flip: (position: number) => Promise<FlipOutcome>;
}

/** How a directory in memory is judged with a store in place of its own one. */
type Judge = (
  change: { readonly path: string; readonly position: number } | undefined,
  keyValue: () => Promise<KeyValueStore>,
) => Promise<FlipOutcome>;

/** All files of a directory that was left by a clean stop or a kill. */
export async function flippableFiles(
  kind: FlipKind,
  ending: FlipEnding,
  scratch: string,
): Promise<ReadonlyMap<string, FlippableFile>> {
  const made = kind === "store" ? await storeCase(ending) : await clusterCase(kind, ending);
  const level = await LevelDirectory.make(scratch, `${kind}-${ending}`, made.batches);
  const files = new Map<string, FlippableFile>();
  for (const [path, sizeBytes] of made.files) {
    const flip = (position: number): Promise<FlipOutcome> =>
      made.judge({ path, position }, () => Promise.resolve(made.keyValue()));
    files.set(path, { sizeBytes, flip });
  }
  for (const [name, sizeBytes] of level.files()) {
    const flip = (position: number): Promise<FlipOutcome> =>
      flipLevel(level, { name, position }, made.judge);
    files.set(`/data/kv/${name}`, { sizeBytes, flip });
  }
  const { store } = await level.opened(undefined);
  const intact = await made.judge(undefined, () => Promise.resolve(store));
  if (intact.result !== "served") throw new Error(`undamaged: ${JSON.stringify(intact)}`);
  return files;
}

interface MadeCase {
  readonly files: ReadonlyMap<string, number>;
  readonly batches: RecordedKeyValue["batches"];
  readonly keyValue: () => KeyValueStore;
  readonly judge: Judge;
}

async function storeCase(ending: FlipEnding): Promise<MadeCase> {
  const memory = new MemoryKeyValueStore();
  const recorded = new RecordedKeyValue(memory);
  const { fileSystem, expected } = await makeFlipDirectory(ending, recorded);
  return {
    files: sizesOf(fileSystem.files()),
    batches: recorded.batches,
    keyValue: () => memory.image(memory.unsyncedCount),
    judge: async (change, openKeyValue) => {
      const copy = fileSystem.afterKill();
      if (change !== undefined) flipIn(copy, change);
      const keyValue = await openKeyValue();
      return judgeFlip(copy, keyValue, expected);
    },
  };
}

async function clusterCase(kind: "rf1" | "rf3", ending: FlipEnding): Promise<MadeCase> {
  const image = await makeClusterImage(kind === "rf1" ? 1 : 3, ending);
  const { victim } = image;
  const disk = image.disks[victim - 1];
  if (disk === undefined) throw new Error(`no disk of broker ${victim}`);
  return {
    files: sizesOf(disk.fileSystem.files()),
    batches: disk.batches,
    keyValue: () => disk.keyValue.image(),
    judge: (change, openKeyValueStore) => {
      const fileSystem = disk.fileSystem.afterKill();
      if (change !== undefined) flipIn(fileSystem, change);
      const isStillThere = (): boolean =>
        change === undefined ||
        [change.path, `${change.path}.damaged`].some((p) => fileSystem.files().has(p));
      return judgeCluster({ image, disk: { fileSystem, openKeyValueStore }, isStillThere });
    },
  };
}

function sizesOf(files: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, number> {
  return new Map([...files].map(([path, bytes]) => [path, bytes.length]));
}

interface Damageable {
  files(): ReadonlyMap<string, Uint8Array>;
  damage(path: string, position: number, bytes: Uint8Array): void;
}

function flipIn(
  fileSystem: Damageable,
  { path, position }: { readonly path: string; readonly position: number },
): void {
  const byte = fileSystem.files().get(path)?.[position] ?? 0;
  fileSystem.damage(path, position, Uint8Array.of(byte ^ (1 << (position % 8))));
}

/** A flip in a file of LevelDB; what its adapter suspects belongs to what is said later. */
async function flipLevel(
  level: LevelDirectory,
  flip: { readonly name: string; readonly position: number },
  judge: Judge,
): Promise<FlipOutcome> {
  // Before the simulated time begins: LevelDB takes real time.
  const opening = level.opened(flip);
  const [opened] = await Promise.allSettled([opening]);
  const suspicions = opened.status === "fulfilled" ? opened.value.suspicions : [];
  const open = (): Promise<KeyValueStore> => opening.then(({ store }) => store);
  const outcome = await judge(undefined, open).catch((error: unknown): FlipOutcome => {
    const isRefusal = CodedError.is(error) && error.code === "STORAGE_DAMAGED";
    return { result: isRefusal ? "refused" : "wrong", message: String(error) };
  });
  if (outcome.result !== "refused" || suspicions.length === 0) return outcome;
  return { ...outcome, message: `${outcome.message} [${suspicions.join("; ")}]` };
}
