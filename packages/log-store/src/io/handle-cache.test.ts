import { settle } from "@stratalog/base/testing";
import { beforeEach, expect, test } from "vitest";
import { MemoryFileSystem } from "../testing/memory-file-system.ts";
import { HandleCache } from "./handle-cache.ts";

let fileSystem = new MemoryFileSystem();
let calls: string[] = [];

beforeEach(async () => {
  fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory("/d");
  calls = [];
  fileSystem.observer = ({ operation, path }) => {
    calls.push(`${operation} ${path}`);
  };
});

function fail(error: unknown): void {
  throw error;
}

function write(cache: HandleCache, path: string): Promise<void> {
  return cache.write(path, (handle) => handle.write([Uint8Array.of(1)], 0));
}

test("files beyond the limit are closed, the least recently used first, synced when they are dirty", async () => {
  const cache = new HandleCache(fileSystem, 2, fail);
  for (const name of ["/d/a", "/d/b", "/d/c"]) await write(cache, name);
  await settle();
  expect(cache.openCount).toBe(2);
  expect(calls.filter((call) => call.includes("/d/a"))).toEqual([
    "open /d/a",
    "write /d/a",
    "dataSync /d/a",
    "close /d/a",
  ]);
});

test("a sync waits for the one that is under way", async () => {
  const cache = new HandleCache(fileSystem, 8, fail);
  await write(cache, "/d/a");
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  fileSystem.observer = ({ operation }) => (operation === "dataSync" ? held : undefined);
  const first = cache.sync("/d/a");
  let isSecondOver = false;
  const second = cache.sync("/d/a").then(() => {
    isSecondOver = true;
  });
  await settle();
  expect(isSecondOver).toBe(false);
  finish();
  await first;
  await second;
  expect(isSecondOver).toBe(true);
});

test("bytes that were on their way while a sync ran are synced by the next one", async () => {
  const cache = new HandleCache(fileSystem, 8, fail);
  await write(cache, "/d/a");
  let finish = (): void => {};
  const held = new Promise<void>((resolve) => {
    finish = resolve;
  });
  fileSystem.observer = ({ operation }) => {
    calls.push(operation);
    return operation === "write" ? held : undefined;
  };
  const writing = write(cache, "/d/a");
  await settle();
  await cache.sync("/d/a");
  finish();
  await writing;
  calls = [];
  await cache.sync("/d/a");
  expect(calls).toEqual(["dataSync"]);
});

test("a forgotten file is closed once its last user is done, without a sync", async () => {
  const cache = new HandleCache(fileSystem, 8, fail);
  await write(cache, "/d/a");
  const reading = cache.read("/d/a", async (handle) => {
    cache.forget("/d/a");
    expect(calls).not.toContain("close /d/a");
    return handle.read(new Uint8Array(1), 0);
  });
  expect(await reading).toBe(1);
  await settle();
  expect(calls.slice(-1)).toEqual(["close /d/a"]);
  expect(calls).not.toContain("dataSync /d/a");
});

test("a file that cannot be opened leaves nothing behind", async () => {
  const cache = new HandleCache(fileSystem, 8, fail);
  const reading = cache.read("/d/none", () => Promise.resolve());
  await expect(reading).rejects.toMatchObject({ code: "ENOENT" });
  expect(cache.openCount).toBe(0);
});
