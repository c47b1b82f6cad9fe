// A full disk refuses producers and nothing else: what is acknowledged stays, reads go on, votes,
// truncations, retention and checkpoints find room in the reserve, and writes resume by themselves.
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupNumber, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { describe, expect, test } from "vitest";
import { dataFrame, nextPlace } from "../testing/frames.ts";
import { StoreFixture } from "../testing/store-fixture.ts";
import { LogStore } from "./log-store.ts";
import { NodeFileSystem } from "./node-file-system.ts";

const RESERVE_BYTES = 96 * 1024;

/** A store with 20 segments or so, whose disk has `freeBytes` left. */
async function nearlyFull(freeBytes: number) {
  const fixture = await StoreFixture.open({
    diskReserveBytes: RESERVE_BYTES,
    segmentBytes: 4 * 1024,
    flushBytes: 512,
  });
  const group = await fixture.group(1);
  await fixture.appendData(group, 60, 1000);
  await fixture.time.advanceAsync(1500);
  await fixture.store.checkpoint();
  const { fileSystem } = fixture;
  fileSystem.capacityBytes = fileSystem.usedBytes() + freeBytes;
  await fixture.time.advanceAsync(1500);
  return { fixture, group, fileSystem };
}

describe("below the reserve of disk", () => {
  test("producers are told, votes and truncations are stored, and reads go on", async () => {
    const { fixture, group } = await nearlyFull(RESERVE_BYTES - 1);
    expect(fixture.store.stats().isDiskFull).toBe(true);
    expect(fixture.store.isOverloaded).toBe(true);
    const log = fixture.store.view(group);
    await fixture.write([{ group, frames: [], hardState: { term: 7, vote: 2, commit: 30 } }]);
    await fixture.write([{ group, truncateFrom: 50, frames: [] }]);
    const read = await log.readBatches({ fromOffset: 0, endOffset: 10, maxBytes: 100_000 });
    expect(read).toMatchObject({ kind: "batches", nextOffset: 10 });
    const restarted = await fixture.restart({ diskReserveBytes: RESERVE_BYTES });
    expect(restarted.store.view(group).hardState).toEqual({ term: 7, vote: 2, commit: 30 });
    expect(restarted.store.view(group).lastIndex).toBe(49);
  });

  test("retention frees space, and writes go on without a restart", async () => {
    const { fixture, group } = await nearlyFull(RESERVE_BYTES - 1);
    expect(fixture.store.isOverloaded).toBe(true);
    const log = fixture.store.view(group);
    log.dropPrefix(55);
    await fixture.store.checkpoint();
    await fixture.store.checkpoint();
    await fixture.time.advanceAsync(1500);
    expect(fixture.store.isOverloaded).toBe(false);
    await fixture.appendData(group, 2, 1000);
    expect(log.lastIndex).toBe(62);
    expect(fixture.fatal).toEqual([]);
  });
});

test("WAL files that large batches made grow are not kept for another life", async () => {
  const fixture = await StoreFixture.open();
  const group = await fixture.group(1);
  const { fileSystem } = fixture;
  const walBytes = async (): Promise<number> => {
    let bytes = 0;
    for (const name of await fileSystem.list("/data/wal")) {
      const handle = await fileSystem.open(`/data/wal/${name}`, "read");
      bytes += await handle.sizeBytes();
      await handle.close();
    }
    return bytes;
  };
  for (let round = 0; round < 6; round++) {
    await fixture.appendData(group, 1, 60_000);
    await fixture.store.checkpoint();
  }
  await fixture.appendData(group, 1, 10);
  await fixture.store.checkpoint();
  // The one that is written, the next one, and the mark.
  expect(await walBytes()).toBeLessThan(3 * 16 * 1024);
});

test("half-way through the reserve followers take no records either, until there is room", async () => {
  const { fixture, fileSystem } = await nearlyFull(RESERVE_BYTES - 1);
  expect(fixture.store.takesRecords).toBe(true);
  fileSystem.capacityBytes = fileSystem.usedBytes() + RESERVE_BYTES / 2 - 1;
  await fixture.time.advanceAsync(1500);
  expect(fixture.store.takesRecords).toBe(false);
  fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
  await fixture.time.advanceAsync(1500);
  expect(fixture.store.takesRecords).toBe(true);
});

test("a burst that may reach into the reserve is noticed before a second is over", async () => {
  const fixture = await StoreFixture.open({ diskReserveBytes: RESERVE_BYTES, flushMs: 10 });
  const group = await fixture.group(1);
  const { fileSystem } = fixture;
  fileSystem.capacityBytes = fileSystem.usedBytes() + RESERVE_BYTES + 64 * 1024;
  await fixture.time.advanceAsync(1500);
  expect(fixture.store.isOverloaded).toBe(false);
  let writes = 0;
  for (; writes < 30 && !fixture.store.stats().isDiskFull; writes++) {
    await fixture.write([fixture.dataWrite(group, 8_000)]);
    await fixture.time.advanceAsync(20);
  }
  // It looks as soon as the writes may have used the room, and so finds it used a little later.
  expect(writes).toBeLessThan(30);
  expect((await fileSystem.space()).freeBytes).toBeGreaterThan(RESERVE_BYTES / 2);
});

describe("a disk without a free byte", () => {
  test("loses nothing and is fatal to nobody, whatever was under way", async () => {
    const { fixture, group, fileSystem } = await nearlyFull(0);
    // More than the WAL's files hold: batches, heads, segments and indexes all meet the full disk.
    const writes = Array.from({ length: 40 }, () => fixture.write([fixture.dataWrite(group, 900)]));
    await fixture.time.advanceAsync(3000);
    expect(fixture.fatal).toEqual([]);
    expect(fixture.store.isOverloaded).toBe(true);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await fixture.time.advanceAsync(5000);
    await Promise.all(writes);
    await fixture.store.checkpoint();
    expect(fixture.store.isOverloaded).toBe(false);
    const restarted = await fixture.restart();
    expect(restarted.store.view(group).lastIndex).toBe(100);
  });

  test("gets its next WAL file as soon as there is room for a small one", async () => {
    const { fixture, group, fileSystem } = await nearlyFull(0);
    const writes = Array.from({ length: 40 }, () => fixture.write([fixture.dataWrite(group, 900)]));
    await fixture.time.advanceAsync(3000);
    fileSystem.capacityBytes = fileSystem.usedBytes() + 90 * 1024;
    await fixture.time.advanceAsync(3000);
    await Promise.all(writes);
    expect(fixture.fatal).toEqual([]);
  });

  test("does not keep a batch larger than its file from being tried again", async () => {
    const { fixture, group, fileSystem } = await nearlyFull(0);
    let isDurable = false;
    const writing = fixture.write([fixture.dataWrite(group, 60_000)]).then(() => {
      isDurable = true;
    });
    await fixture.time.advanceAsync(3000);
    expect(isDurable).toBe(false);
    expect(fixture.fatal).toEqual([]);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await fixture.time.advanceAsync(3000);
    await writing;
    expect((await fixture.restart()).store.view(group).lastIndex).toBe(61);
  });
});

describe("a store that is closed on a disk without a free byte", () => {
  test("does so at once, and gives up what it has no room for without saying that it is stored", async () => {
    const { fixture, group, fileSystem } = await nearlyFull(0);
    const durable: number[] = [];
    for (let write = 0; write < 40; write++) {
      const index = fixture.store.view(group).lastIndex + 1;
      fixture.store.write([fixture.dataWrite(group, 900)], () => durable.push(index));
    }
    await fixture.time.advanceAsync(3000);
    // No time passes from here on.
    await fixture.store.settle();
    await fixture.store.close();
    expect(fixture.fatal).toEqual([]);
    expect(durable.length).toBeLessThan(40);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    const restarted = await fixture.restart();
    const { lastIndex } = restarted.store.view(group);
    expect(lastIndex).toBeGreaterThanOrEqual(Math.max(60, ...durable));
    await fixture.time.advanceAsync(5000);
    expect(durable.length).toBeLessThan(40);
  });

  test("closes, too, when nobody settled it and a group is being dropped", async () => {
    const { fixture, group } = await nearlyFull(0);
    const writes = Array.from({ length: 40 }, () => fixture.dataWrite(group, 900));
    for (const write of writes) fixture.store.write([{ ...write, frames: [] }], () => {});
    fixture.store.write([fixture.dataWrite(group, 60_000)], () => {});
    await fixture.time.advanceAsync(3000);
    const dropping = fixture.store.dropGroup(group);
    const outcome = expect(dropping).rejects.toMatchObject({ code: "CLOSED" });
    await fixture.store.close();
    await outcome;
    expect(fixture.fatal).toEqual([]);
  });

  test("with room stores and seals everything all the same", async () => {
    const { fixture, group, fileSystem } = await nearlyFull(0);
    let isDurable = false;
    fixture.store.write([fixture.dataWrite(group, 60_000)], () => {
      isDurable = true;
    });
    await fixture.time.advanceAsync(3000);
    expect(isDurable).toBe(false);
    fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await fixture.store.settle();
    expect(isDurable).toBe(true);
    await fixture.store.close();
    expect((await fixture.restart()).store.view(group).lastIndex).toBe(61);
  });
});

/** A tmpfs of a few MiB, or why there is none. */
async function mountSmall(): Promise<{ readonly path: string } | { readonly reason: string }> {
  const path = await mkdtemp(join(tmpdir(), "full-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", path], { stdio: "pipe" });
    return { path };
  } catch {
    // Whoever may not mount cannot run this test; that is said, not hidden.
    await rm(path, { recursive: true });
    return { reason: "a file system can only be mounted by root" };
  }
}

test("a real small disk is filled, refuses, and takes writes again", async (context) => {
  const mounted = await mountSmall();
  if ("reason" in mounted) {
    context.skip(mounted.reason);
    return;
  }
  const time = new ManualTime();
  const fatal: Error[] = [];
  const directory = `${mounted.path}/data`;
  mkdirSync(directory);
  try {
    const store = await LogStore.open({
      fileSystem: new NodeFileSystem(),
      keyValue: new MemoryKeyValueStore(),
      clock: time,
      timers: time,
      logger: silentLogger,
      directory,
      walFileBytes: 256 * 1024,
      segmentBytes: 256 * 1024,
      diskReserveBytes: 3 * 1024 * 1024,
      onFatal: (error) => fatal.push(error),
    });
    const fixture = { group: await createGroup(store), store };
    const untilFull = async (isFull: boolean): Promise<void> => {
      for (let look = 0; look < 200 && store.stats().isDiskFull !== isFull; look++) {
        time.advance(1100);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      expect(store.stats().isDiskFull).toBe(isFull);
    };
    await append(fixture, 10);
    writeFileSync(`${mounted.path}/ballast`, new Uint8Array(3 * 1024 * 1024));
    await untilFull(true);
    await append(fixture, 10);
    await store.checkpoint();
    rmSync(`${mounted.path}/ballast`);
    await untilFull(false);
    await append(fixture, 10);
    expect(fatal).toEqual([]);
    expect(store.view(fixture.group).lastIndex).toBe(30);
    await store.close();
  } finally {
    execFileSync("umount", [mounted.path]);
    await rm(mounted.path, { recursive: true });
  }
});

async function createGroup(store: LogStore) {
  const { group } = (
    await store.createGroup({ group: groupNumber(1), kind: "partition", replicaEpoch: 1 })
  ).descriptor;
  return group;
}

async function append(
  { store, group }: { store: LogStore; group: Awaited<ReturnType<typeof createGroup>> },
  count: number,
): Promise<void> {
  for (let made = 0; made < count; made++) {
    const place = nextPlace(store.view(group), 1);
    const frames = [dataFrame(place, new Uint8Array(2000), [made])];
    await new Promise<void>((resolve) => store.write([{ group, frames }], resolve));
  }
}
