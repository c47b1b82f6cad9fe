import { CodedError, groupNumber, type KeyValueStore, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import type { Frame } from "../core/frame.ts";
import { LogStore } from "../io/log-store.ts";
import type { FileSystem } from "../ports/file-system.ts";
import { dataFrame, nextPlace, plainFrame } from "./frames.ts";
import { MemoryFileSystem } from "./memory-file-system.ts";

const GROUPS = [groupNumber(1), groupNumber(2)];
const TURNS = 40;
const CHECKPOINT_TURN = 15;

/** How the process ended that left a directory behind. */
export type FlipEnding = "closed" | "killed";

/** Opens the small directory whose bits are flipped. */
export function openFlipStore(fileSystem: FileSystem, keyValue: KeyValueStore): Promise<LogStore> {
  const time = new ManualTime();
  return LogStore.open({
    fileSystem,
    keyValue,
    clock: time,
    timers: time,
    logger: silentLogger,
    directory: "/data",
    walFileBytes: 8 * 1024,
    walFilesMax: 2,
    segmentBytes: 3 * 1024,
    indexIntervalBytes: 512,
    flushBytes: 1024,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Writes the next frame of both groups. */
export async function writeFlipTurn(store: LogStore, turn: number): Promise<void> {
  const writes = GROUPS.map((group) => {
    const log = store.view(group);
    const place = nextPlace(log, 1 + Math.floor(turn / 20));
    const value = new Uint8Array(100).fill(turn);
    const isPlain = turn % 10 === 0;
    const frame: Frame = isPlain ? plainFrame(place, "noop") : dataFrame(place, value, [turn]);
    // The commit hint lags, as it does: what is acknowledged is more than what it says.
    const commit = Math.max(0, turn - 3);
    return { group, frames: [frame], hardState: { term: place.term, vote: 3, commit } };
  });
  await new Promise<void>((resolve) => store.write(writes, resolve));
}

/** Everything that a store says, as one text. Rejects with STORAGE_DAMAGED when it refuses. */
export async function flipContents(store: LogStore): Promise<string> {
  const lines: string[] = [];
  for (const found of store.groups()) {
    if (found.reason !== undefined) throw new CodedError("STORAGE_DAMAGED", found.reason);
  }
  for (const group of GROUPS) {
    const log = store.group(group);
    if (log === undefined) throw new Error(`group ${group} is gone`);
    const { lastIndex, nextOffset, hardState } = log;
    lines.push(JSON.stringify({ lastIndex, nextOffset, hardState, runs: log.termRuns() }));
    for (let index = log.firstIndex; index <= lastIndex; ) {
      const frames = await log.fetchFrames(index, lastIndex + 1, 2000);
      if (frames === "compacted" || frames.length === 0) throw new Error(`nothing at ${index}`);
      lines.push(...frames.map((frame) => `${frame.index} ${frame.payload.join()}`));
      index += frames.length;
    }
    lines.push(JSON.stringify(await log.findByTimestamp(25, nextOffset)));
  }
  return lines.join("\n");
}

/** A small directory with segments, indexes and a WAL, and what a reader finds in it. */
export async function makeFlipDirectory(
  ending: FlipEnding,
  keyValue: KeyValueStore,
): Promise<{ readonly fileSystem: MemoryFileSystem; readonly expected: string }> {
  const fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory("/data");
  const store = await openFlipStore(fileSystem, keyValue);
  for (const group of GROUPS) {
    await store.createGroup({ group, kind: "partition", replicaEpoch: 1 });
  }
  for (let turn = 0; turn < TURNS; turn++) {
    await writeFlipTurn(store, turn);
    if (turn === CHECKPOINT_TURN) await store.checkpoint();
  }
  const expected = await flipContents(store);
  if (ending === "closed") await store.close();
  // The mark of the last batch is written after its callbacks.
  else await new Promise((resolve) => setImmediate(resolve));
  return { fileSystem: fileSystem.afterKill(), expected };
}

/** What became of one flip. `wrong` is what must never be. */
export type FlipOutcome =
  | { readonly result: "served" }
  | { readonly result: "refused"; readonly message: string }
  | { readonly result: "wrong"; readonly message: string };

/** Opens a damaged directory, reads everything in it and judges. */
export async function judgeFlip(
  fileSystem: FileSystem,
  keyValue: KeyValueStore,
  expected: string,
): Promise<FlipOutcome> {
  try {
    const found = await flipContents(await openFlipStore(fileSystem, keyValue));
    if (found === expected) return { result: "served" };
    return { result: "wrong", message: "served something else" };
  } catch (error) {
    const isRefusal = CodedError.is(error) && error.code === "STORAGE_DAMAGED";
    if (isRefusal) return { result: "refused", message: error.message };
    return { result: "wrong", message: String(error) };
  }
}
