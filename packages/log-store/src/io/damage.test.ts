// Torn is not corrupt: one bit of every so many bytes of a data directory is flipped, after a clean
// stop and after a kill. The store must serve exactly the right data, or refuse; never less, never
// something else.
import { CodedError, groupNumber, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { describe, expect, test } from "vitest";
import type { Frame } from "../core/frame.ts";
import { encodeIndexBlock } from "../core/index-file.ts";
import { SparseIndex } from "../core/sparse-index.ts";
import { dataFrame, nextPlace, plainFrame } from "../testing/frames.ts";
import { MemoryFileSystem } from "../testing/memory-file-system.ts";
import { LogStore } from "./log-store.ts";

const GROUPS = [groupNumber(1), groupNumber(2)];
const BYTE_STRIDE = 61;

function open(fileSystem: MemoryFileSystem, keyValue: MemoryKeyValueStore): Promise<LogStore> {
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

async function write(store: LogStore, turn: number): Promise<void> {
  const writes = GROUPS.map((group) => {
    const log = store.view(group);
    const place = nextPlace(log, 1 + Math.floor(turn / 20));
    const value = new Uint8Array(100).fill(turn);
    const isPlain = turn % 10 === 0;
    const frame: Frame = isPlain ? plainFrame(place, "noop") : dataFrame(place, value, [turn]);
    return { group, frames: [frame], hardState: { term: place.term, vote: 3, commit: turn } };
  });
  await new Promise<void>((resolve) => store.write(writes, resolve));
}

/** Everything that a store says, as one text; throws when it refuses. */
async function contents(store: LogStore): Promise<string> {
  const lines: string[] = [];
  for (const group of GROUPS) {
    const log = store.group(group);
    if (log === undefined) throw new CodedError("STORAGE_DAMAGED", `group ${group} refuses`);
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

async function makeDirectory(ending: "closed" | "killed") {
  const fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory("/data");
  const keyValue = new MemoryKeyValueStore();
  const store = await open(fileSystem, keyValue);
  for (const group of GROUPS) {
    await store.createGroup({ group, kind: "partition", replicaEpoch: 1 });
  }
  for (let turn = 0; turn < 40; turn++) {
    await write(store, turn);
    if (turn === 15) await store.checkpoint();
  }
  const expected = await contents(store);
  if (ending === "closed") await store.close();
  // The mark of the last batch is written after its callbacks.
  else await new Promise((resolve) => setImmediate(resolve));
  return { fileSystem: fileSystem.afterKill(), keyValue: keyValue.image(), expected };
}

describe.each(["closed", "killed"] as const)("a flipped bit in a %s directory", (ending) => {
  test("is served around or refused, wherever it is", async () => {
    const { fileSystem, keyValue, expected } = await makeDirectory(ending);
    const outcomes = { served: 0, refused: 0 };
    const wrong: string[] = [];
    for (const [path, bytes] of fileSystem.files()) {
      for (let position = 0; position < bytes.length; position += BYTE_STRIDE) {
        const copy = fileSystem.afterKill();
        const flipped = (bytes[position] ?? 0) ^ (1 << (position % 8));
        copy.damage(path, position, Uint8Array.of(flipped));
        try {
          const found = await contents(await open(copy, keyValue.image()));
          if (found === expected) outcomes.served++;
          else wrong.push(`${path} at ${position}`);
        } catch (error) {
          if (CodedError.is(error) && error.code === "STORAGE_DAMAGED") outcomes.refused++;
          else wrong.push(`${path} at ${position}: ${String(error)}`);
        }
      }
    }
    expect(wrong).toEqual([]);
    expect(outcomes.served).toBeGreaterThan(50);
    expect(outcomes.refused).toBeGreaterThan(50);
  }, 120_000);
});

describe("an index file", () => {
  test("that lies, or is missing, is made again from the segment", async () => {
    const { fileSystem, keyValue, expected } = await makeDirectory("closed");
    const store = await open(fileSystem.afterKill(), keyValue.image());
    for (const group of GROUPS) {
      const [facts] = store.view(group).segments();
      if (facts === undefined) throw new Error("no segment");
      const { baseIndex, baseOffset } = facts;
      const index = new SparseIndex(baseIndex, baseOffset);
      index.add({ index: baseIndex, baseOffset, position: 100, maxTimestampBefore: -1 });
      const covered = { fromRow: 0, coveredBytes: facts.sizeBytes, maxTimestamp: 0 };
      const name = String(baseIndex).padStart(20, "0");
      const path = `/data/groups/${group}-1/${name}.idx`;
      fileSystem.damage(path, 0, encodeIndexBlock(facts, index, covered));
    }
    expect(await contents(await open(fileSystem.afterKill(), keyValue.image()))).toBe(expected);
    for (const path of fileSystem.files().keys()) {
      if (path.endsWith(".idx")) await fileSystem.remove(path);
    }
    expect(await contents(await open(fileSystem.afterKill(), keyValue.image()))).toBe(expected);
  });
});

describe("the end of the WAL", () => {
  test("is cut where a batch that nobody acknowledged is torn", async () => {
    const { fileSystem, keyValue } = await makeDirectory("killed");
    const store = await open(fileSystem, keyValue);
    const before = store.view(GROUPS[0] ?? groupNumber(1)).lastIndex;
    // The power goes while the batch is on its way: the first sector is there, the rest is not.
    let image: MemoryFileSystem | undefined;
    fileSystem.observer = ({ operation, path }) => {
      if (operation === "dataSync" && path.endsWith(".wal")) {
        image ??= fileSystem.afterKill();
        const bytes = image.files().get(path) ?? new Uint8Array(0);
        const end = bytes.findLastIndex((byte) => byte !== 0);
        image.damage(path, end - 60, new Uint8Array(30));
      }
    };
    await write(store, 40);
    if (image === undefined) throw new Error("no sync was seen");
    const recovered = await open(image, keyValue.image());
    expect(recovered.groups().map(({ state }) => state)).toEqual(["ready", "ready"]);
    expect(recovered.view(groupNumber(1)).lastIndex).toBe(before);
  });

  test("is damage where a missing batch was acknowledged", async () => {
    const { fileSystem, keyValue } = await makeDirectory("killed");
    const wal = [...fileSystem.files().keys()].filter((path) => path.endsWith(".wal")).toSorted();
    for (const path of wal) {
      const bytes = fileSystem.files().get(path) ?? new Uint8Array(0);
      fileSystem.damage(path, 0, new Uint8Array(bytes.length));
    }
    const recovered = await open(fileSystem, keyValue);
    const groups = recovered.groups();
    expect(groups.map(({ state }) => state)).toEqual(["damaged", "damaged"]);
    expect(groups[0]?.reason).toContain("is missing but was synced");
    // Damage stays damage at the next start, and nothing was thrown away.
    const later = await open(fileSystem.afterKill(), keyValue.image());
    expect(later.groups().map(({ state }) => state)).toEqual(["damaged", "damaged"]);
    const kept = [...fileSystem.files().keys()].filter((path) => path.endsWith(".wal.damaged"));
    expect(kept.length).toBe(wal.length);
  });

  test("a damaged group can be dropped and made anew", async () => {
    const { fileSystem, keyValue } = await makeDirectory("closed");
    const [path] = [...fileSystem.files().keys()].filter((name) => name.includes("/1-1/0"));
    await fileSystem.remove(path ?? "");
    const store = await open(fileSystem, keyValue);
    expect(store.groups()).toMatchObject([
      { group: 2, state: "ready" },
      { group: 1, state: "damaged" },
    ]);
    const group = groupNumber(1);
    await expect(
      store.createGroup({ group, kind: "partition", replicaEpoch: 1 }),
    ).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
    await store.dropGroup(group);
    const log = await store.createGroup({ group, kind: "partition", replicaEpoch: 9 });
    expect(log.lastIndex).toBe(0);
  });
});
