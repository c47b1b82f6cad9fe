// Torn is not corrupt: one bit of every so many bytes of a data directory is flipped, after a clean
// stop and after a kill. The store must serve exactly the right data, or refuse; never less, never
// something else.
import { groupNumber } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { describe, expect, test } from "vitest";
import { encodeIndexBlock } from "../core/index-file.ts";
import { SparseIndex } from "../core/sparse-index.ts";
import {
  flipContents,
  type FlipEnding,
  judgeFlip,
  makeFlipDirectory,
  openFlipStore,
  writeFlipTurn,
} from "../testing/flip-directory.ts";
import type { MemoryFileSystem } from "../testing/memory-file-system.ts";

const GROUPS = [groupNumber(1), groupNumber(2)];
const BYTE_STRIDE = 61;

const open = openFlipStore;
const write = writeFlipTurn;
const contents = flipContents;

async function makeDirectory(ending: FlipEnding) {
  const keyValue = new MemoryKeyValueStore();
  const { fileSystem, expected } = await makeFlipDirectory(ending, keyValue);
  return { fileSystem, keyValue: keyValue.image(), expected };
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
        const outcome = await judgeFlip(copy, keyValue.image(), expected);
        if (outcome.result === "wrong") wrong.push(`${path} at ${position}: ${outcome.message}`);
        else outcomes[outcome.result]++;
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
    expect(groups[0]?.reason).toMatch(/is missing from byte 0 .* was synced/);
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

describe("a key-value store that forgot its last checkpoint", () => {
  test("is noticed after a clean stop, however little the commit point says", async () => {
    const keyValue = new MemoryKeyValueStore();
    const { fileSystem } = await makeFlipDirectory("closed", keyValue);
    const stale = await staleImage();
    const store = await open(fileSystem, stale);
    expect(store.groups().map(({ state }) => state)).toEqual(["damaged", "damaged"]);
    expect(store.groups()[0]?.reason).toMatch(/kv\/ has lost checkpoints.* at byte \d+ of wal\//);
  });
});

/** The key-value store of the same directory as it was before the last two checkpoints. */
async function staleImage(): Promise<MemoryKeyValueStore> {
  const keyValue = new MemoryKeyValueStore();
  const images: MemoryKeyValueStore[] = [];
  const write = keyValue.write.bind(keyValue);
  keyValue.write = (changes, options) => {
    images.push(keyValue.image());
    return write(changes, options);
  };
  await makeFlipDirectory("closed", keyValue);
  return images.at(-2) ?? new MemoryKeyValueStore();
}
