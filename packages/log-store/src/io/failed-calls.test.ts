// A sync of a directory or a write of a checkpoint that fails leaves nobody sure of what is on the disk: the store
// ends, says so once, calls nothing back any more, and what was called back before is there after a restart.
import type { KeyValueStore } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { FileSystemError } from "../ports/file-system.ts";
import { type FileCall, MemoryFileSystem } from "../testing/memory-file-system.ts";
import { StoreFixture } from "../testing/store-fixture.ts";

/** Fails every call that matches, as a disk does that is gone. */
function failFrom(fixture: StoreFixture, matches: (call: FileCall) => boolean): void {
  fixture.fileSystem.observer = ({ operation, path }) => {
    if (matches({ operation, path })) throw new FileSystemError("EIO", operation, path);
    return Promise.resolve();
  };
}

const syncOf =
  (part: string) =>
  ({ operation, path }: FileCall): boolean =>
    operation === "syncDirectory" && path.includes(part);

async function opened(options: { readonly keyValue?: KeyValueStore } = {}) {
  const fixture = await StoreFixture.open(options);
  const group = await fixture.group(1);
  await fixture.appendData(group, 10, 500);
  return { fixture, group };
}

/** What a restart finds must hold every frame that was called back. */
async function expectAllThere(fixture: StoreFixture, lastIndex: number): Promise<void> {
  const { fileSystem, keyValue } = fixture.disk();
  fileSystem.observer = undefined;
  const restarted = await StoreFixture.open({}, { fileSystem, keyValue });
  expect(restarted.store.groups()).toMatchObject([{ group: 1, state: "ready" }]);
  expect(restarted.store.view(restarted.store.groups()[0]!.group).lastIndex).toBe(lastIndex);
}

test("a group whose name cannot be synced ends the store", async () => {
  const { fixture } = await opened();
  failFrom(fixture, syncOf("/groups"));
  await expect(fixture.group(2)).rejects.toMatchObject({ code: "EIO" });
  expect(fixture.fatal).toHaveLength(1);
  await expectAllThere(fixture, 10);
});

test("a group whose removal cannot be synced ends the store", async () => {
  const { fixture, group } = await opened();
  failFrom(fixture, syncOf("/groups"));
  await expect(fixture.store.dropGroup(group)).rejects.toMatchObject({ code: "EIO" });
  expect(fixture.fatal).toHaveLength(1);
});

test("a checkpoint that cannot sync the names of its segments ends the store", async () => {
  const { fixture } = await opened();
  failFrom(fixture, syncOf("/groups/"));
  await fixture.time.advanceAsync(31_000);
  expect(fixture.fatal).toMatchObject([{ code: "EIO", operation: "syncDirectory" }]);
  await expectAllThere(fixture, 10);
});

test("a WAL file whose name cannot be synced ends the store when its turn comes", async () => {
  const { fixture, group } = await opened();
  failFrom(fixture, syncOf("/wal"));
  let calledBack = 10;
  for (let write = 0; write < 200 && fixture.fatal.length === 0; write++) {
    fixture.store.write([fixture.dataWrite(group, 500)], () => calledBack++);
    await fixture.time.advanceAsync(1);
  }
  expect(fixture.fatal).toMatchObject([{ code: "EIO" }]);
  expect(fixture.store.view(group).lastIndex).toBeGreaterThan(calledBack);
  const { fileSystem, keyValue } = fixture.disk();
  fileSystem.observer = undefined;
  const { store } = await StoreFixture.open({}, { fileSystem, keyValue });
  expect(store.view(group).lastIndex).toBeGreaterThanOrEqual(calledBack);
});

test("a checkpoint that the key-value store refuses half-way ends the store", async () => {
  const stored = new MemoryKeyValueStore();
  let fails = false;
  const keyValue: KeyValueStore = {
    get: (key) => stored.get(key),
    entries: (range) => stored.entries(range),
    write: (changes, options) =>
      fails ? Promise.reject(new Error("EIO")) : stored.write(changes, options),
    close: () => stored.close(),
  };
  const { fixture } = await opened({ keyValue });
  fails = true;
  await fixture.time.advanceAsync(31_000);
  expect(fixture.fatal).toMatchObject([{ message: "EIO" }]);
  const fileSystem: MemoryFileSystem = fixture.fileSystem.afterKill();
  const restarted = await StoreFixture.open({}, { fileSystem, keyValue: stored.image() });
  expect(restarted.store.view(restarted.store.groups()[0]!.group).lastIndex).toBe(10);
});
