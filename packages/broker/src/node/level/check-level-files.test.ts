import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeUtf8 } from "@stratalog/base";
import { Level } from "level";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LevelKeyValueStore } from "../level-key-value-store.ts";
import { checkLevelFiles } from "./check-level-files.ts";

let directory = "";

beforeEach(async () => {
  const scratch = await mkdtemp(join(tmpdir(), "stratalog-level-"));
  directory = join(scratch, "kv");
});

afterEach(async () => {
  await rm(join(directory, ".."), { recursive: true, force: true });
});

/** Some of it lies in tables, compressed and not, the rest in LevelDB's own log. */
async function fill(): Promise<void> {
  const database = new Level<string, Uint8Array>(directory, { valueEncoding: "view" });
  let noise = 7;
  for (let number = 0; number < 300; number++) {
    const value = new Uint8Array(200).map(() => {
      noise = (noise * 1_103_515_245 + 12_345) >>> 0;
      return number % 2 === 0 ? number : noise >>> 16;
    });
    await database.put(`key ${number}`, value);
  }
  await database.close();
  const second = new Level<string, Uint8Array>(directory, { valueEncoding: "view" });
  await second.put("last", encodeUtf8("x".repeat(40_000)));
  await second.close();
}

async function filesOf(pattern: RegExp): Promise<readonly string[]> {
  const names = (await readdir(directory)).filter((name) => pattern.test(name));
  return names.map((name) => join(directory, name));
}

async function flip(path: string, position: number): Promise<void> {
  const bytes = await readFile(path);
  bytes[position] = (bytes[position] ?? 0) ^ (1 << (position % 8));
  await writeFile(path, bytes);
}

describe("a look at LevelDB's files", () => {
  it("finds nothing in a directory that is whole, missing or new", async () => {
    expect(await checkLevelFiles(directory)).toEqual({ damage: [], suspicions: [] });
    await fill();
    expect(await checkLevelFiles(directory)).toEqual({ damage: [], suspicions: [] });
    expect((await filesOf(/\.ldb$/)).length).toBeGreaterThan(0);
  });

  it("finds a flip of any byte that matters of tables and manifest, and says where", async () => {
    await fill();
    for (const path of await filesOf(/\.ldb$|^MANIFEST/)) {
      const { length } = await readFile(path);
      for (let position = 0; position < length; position += 211) {
        await flip(path, position);
        const { damage } = await checkLevelFiles(directory);
        // The footer is padded with bytes that nobody reads.
        const isPadding = path.endsWith(".ldb") && position > length - 48 && position < length - 8;
        if (!isPadding) expect(damage, `${path} at ${position}`).toHaveLength(1);
        if (damage[0] !== undefined) expect(damage[0].position).toBeLessThanOrEqual(position);
        await flip(path, position);
      }
    }
    expect(await checkLevelFiles(directory)).toEqual({ damage: [], suspicions: [] });
  });

  it("suspects a log whose end does not hold, or is cut short", async () => {
    await fill();
    const [path = ""] = await filesOf(/\.log$/);
    const bytes = await readFile(path);
    await flip(path, 20_000);
    expect((await checkLevelFiles(directory)).suspicions).toMatchObject([
      { file: path, position: 0, reason: "a record fails its checksum" },
    ]);
    await writeFile(path, bytes.subarray(0, 35_000));
    const { damage, suspicions } = await checkLevelFiles(directory);
    expect(damage).toEqual([]);
    expect(suspicions).toMatchObject([{ file: path, position: 32_768 }]);
  });

  it("says so when CURRENT names no manifest", async () => {
    await fill();
    await writeFile(join(directory, "CURRENT"), "MANIFEST-999999\n");
    const { damage } = await checkLevelFiles(directory);
    expect(damage).toMatchObject([{ file: join(directory, "CURRENT"), position: 0 }]);
  });
});

describe("a store whose files are damaged", () => {
  it("is not opened, with file and byte in the error, and stays as it is", async () => {
    await fill();
    const [path = ""] = await filesOf(/\.ldb$/);
    await flip(path, 300);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(LevelKeyValueStore.open(directory)).rejects.toMatchObject({
        code: "STORAGE_DAMAGED",
        message: expect.stringMatching(/\.ldb at byte 0: a block fails its checksum/),
      });
    }
  });

  it("is in use rather than damaged while somebody writes to it", async () => {
    await fill();
    const open = await LevelKeyValueStore.open(directory);
    const [path = ""] = await filesOf(/\.ldb$/);
    await flip(path, 300);
    await expect(LevelKeyValueStore.open(directory)).rejects.toMatchObject({
      code: "DIRECTORY_IN_USE",
    });
    await open.close();
  });

  it("tells of what LevelDB left out of its log", async () => {
    await fill();
    const copy = join(directory, "..", "copy");
    await cp(directory, copy, { recursive: true });
    const name = (await readdir(copy)).find((each) => each.endsWith(".log")) ?? "";
    const bytes = await readFile(join(copy, name));
    await writeFile(join(copy, name), bytes.subarray(0, 100));
    const store = await LevelKeyValueStore.open(copy);
    expect(store.suspicions).toEqual([`${join(copy, name)} at byte 0: a record is not all there`]);
    await store.close();
  });
});
