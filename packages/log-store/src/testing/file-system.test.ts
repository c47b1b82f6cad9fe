import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SeededRandom } from "@stratalog/base";
import { afterEach, describe, expect, test } from "vitest";
import { NodeFileSystem } from "../io/node-file-system.ts";
import { type FileHandle, FileSystemError } from "../ports/file-system.ts";
import { fileSystemContract } from "./file-system-contract.ts";
import { MemoryFileSystem } from "./memory-file-system.ts";

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

const D = "/d";
const NOTHING = { random: new SeededRandom(1), keep: 0 };
const ALL = { random: new SeededRandom(1), keep: 1 };

describe("the machine's file system", () => {
  for (const { claim, run } of fileSystemContract) {
    test(claim, async () => {
      const directory = await mkdtemp(join(tmpdir(), "file-system-"));
      cleanups.push(() => rm(directory, { recursive: true }));
      await expect(run(new NodeFileSystem(), directory)).resolves.toBeUndefined();
    });
  }
});

async function memory(): Promise<MemoryFileSystem> {
  const fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory(D);
  await fileSystem.syncDirectory("/");
  return fileSystem;
}

async function written(fileSystem: MemoryFileSystem, value: number): Promise<FileHandle> {
  const handle = await fileSystem.open(`${D}/a`, "create");
  await handle.write([new Uint8Array(1024).fill(value)], 0);
  return handle;
}

describe("the file system in memory", () => {
  for (const { claim, run } of fileSystemContract) {
    test(claim, async () => {
      await expect(run(await memory(), D)).resolves.toBeUndefined();
    });
  }

  test("a power cut takes a file whose directory was not synced", async () => {
    const fileSystem = await memory();
    await (await written(fileSystem, 1)).dataSync();
    expect(await fileSystem.afterPowerCut(NOTHING).list(D)).toEqual([]);
    await fileSystem.syncDirectory(D);
    expect(fileSystem.afterPowerCut(NOTHING).files().get(`${D}/a`)?.[0]).toBe(1);
  });

  test("a power cut takes bytes that were not synced, and leaves an empty file", async () => {
    const fileSystem = await memory();
    await written(fileSystem, 1);
    await fileSystem.syncDirectory(D);
    expect(fileSystem.afterPowerCut(NOTHING).files().get(`${D}/a`)).toHaveLength(0);
    expect(fileSystem.afterPowerCut(ALL).files().get(`${D}/a`)).toHaveLength(1024);
    expect(fileSystem.afterKill().files().get(`${D}/a`)).toHaveLength(1024);
  });

  test("a power cut tears a write at sectors", async () => {
    const fileSystem = await memory();
    await written(fileSystem, 1);
    await fileSystem.syncDirectory(D);
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 40; seed++) {
      const survival = { random: new SeededRandom(seed), keep: 0.5 };
      const bytes = fileSystem.afterPowerCut(survival).files().get(`${D}/a`);
      outcomes.add(`${bytes?.length}:${bytes?.[0]}:${bytes?.[512]}`);
    }
    expect([...outcomes].toSorted()).toEqual([
      "0:undefined:undefined",
      "1024:0:1",
      "1024:1:1",
      "512:1:undefined",
    ]);
  });

  test("what a killed process wrote can still be lost by a power cut after the restart", async () => {
    const fileSystem = await memory();
    await written(fileSystem, 1);
    await fileSystem.syncDirectory(D);
    const restarted = fileSystem.afterKill();
    expect(restarted.afterPowerCut(NOTHING).files().get(`${D}/a`)).toHaveLength(0);
  });

  test("a rename is lost or kept as a whole", async () => {
    const fileSystem = await memory();
    await (await written(fileSystem, 1)).dataSync();
    await fileSystem.syncDirectory(D);
    await fileSystem.rename(`${D}/a`, `${D}/b`);
    expect(await fileSystem.afterPowerCut(NOTHING).list(D)).toEqual(["a"]);
    expect(await fileSystem.afterPowerCut(ALL).list(D)).toEqual(["b"]);
  });

  test("after a failed sync the handle is poisoned and a later sync does not save the bytes", async () => {
    const fileSystem = await memory();
    const handle = await written(fileSystem, 1);
    await fileSystem.syncDirectory(D);
    fileSystem.observer = ({ operation, path }) => {
      if (operation === "dataSync") throw new FileSystemError("EIO", operation, path);
    };
    await expect(handle.dataSync()).rejects.toMatchObject({ code: "EIO" });
    await expect(handle.write([new Uint8Array(1)], 0)).rejects.toMatchObject({ code: "POISONED" });
    fileSystem.observer = undefined;
    const again = await fileSystem.open(`${D}/a`, "write");
    await again.dataSync();
    expect(fileSystem.files().get(`${D}/a`)?.[0]).toBe(1);
    expect(fileSystem.afterPowerCut(NOTHING).files().get(`${D}/a`)).toHaveLength(0);
  });

  test("after a failed sync of a directory a later one does not save the names", async () => {
    const fileSystem = await memory();
    await (await written(fileSystem, 1)).dataSync();
    fileSystem.observer = ({ operation, path }) => {
      if (operation === "syncDirectory") throw new FileSystemError("EIO", operation, path);
    };
    await expect(fileSystem.syncDirectory(D)).rejects.toMatchObject({ code: "EIO" });
    fileSystem.observer = undefined;
    await fileSystem.syncDirectory(D);
    expect(await fileSystem.afterKill().list(D)).toEqual(["a"]);
    expect(await fileSystem.afterKill().afterPowerCut(NOTHING).list(D)).toEqual([]);
  });

  test("a write beyond the capacity fails with ENOSPC", async () => {
    const fileSystem = await memory();
    fileSystem.capacityBytes = 1500;
    const handle = await written(fileSystem, 1);
    const more = [new Uint8Array(1024)];
    await expect(handle.write(more, 1024)).rejects.toMatchObject({ code: "ENOSPC" });
  });
});
