import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  groupNumber,
  machineClock,
  machineTimers,
  SeededRandom,
  silentLogger,
} from "@stratalog/base";
import { MemoryKeyValueStore, settle } from "@stratalog/base/testing";
import { decodeBatch } from "@stratalog/record-batch";
import { describe, expect, test } from "vitest";
import { FileSystemError } from "../ports/file-system.ts";
import { dataFrame, nextPlace, plainFrame } from "../testing/frames.ts";
import { StoreFixture } from "../testing/store-fixture.ts";
import type { GroupLog } from "./group-log.ts";
import { LogStore } from "./log-store.ts";
import { NodeFileSystem } from "./node-file-system.ts";

const G = groupNumber(7);

async function offsetsOf(log: GroupLog, fromOffset: number): Promise<number[]> {
  const offsets: number[] = [];
  const endOffset = log.nextOffset;
  for (let offset = fromOffset; offset < endOffset; ) {
    const result = await log.readBatches({ fromOffset: offset, endOffset, maxBytes: 900 });
    if (result.kind !== "batches" || result.nextOffset <= offset) throw new Error("no progress");
    for (const batch of result.batches) {
      for (const record of decodeBatch(batch)) offsets.push(record.offset);
    }
    offset = result.nextOffset;
  }
  return offsets;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

describe("a log store", () => {
  test("gives back on the machine's disk what was appended, also after a restart", async () => {
    const directory = await mkdtemp(join(tmpdir(), "log-store-"));
    const keyValue = new MemoryKeyValueStore();
    const open = (): Promise<LogStore> =>
      LogStore.open({
        fileSystem: new NodeFileSystem(),
        keyValue,
        clock: machineClock,
        timers: machineTimers,
        logger: silentLogger,
        directory,
        walFileBytes: 64 * 1024,
        segmentBytes: 16 * 1024,
        tailCacheBytes: 32 * 1024,
        flushBytes: 2048,
        onFatal: (error) => {
          throw error;
        },
      });
    try {
      const store = await open();
      const log = await store.createGroup({ group: G, kind: "partition", replicaEpoch: 3 });
      for (let count = 0; count < 200; count++) {
        const frame = dataFrame(nextPlace(log, 1), new Uint8Array(200), [1000 + count]);
        const hardState = { term: 1, vote: 5, commit: log.lastIndex };
        const write = { group: G, frames: [frame], hardState };
        await new Promise<void>((resolve) => store.write([write], resolve));
      }
      expect(await offsetsOf(log, 0)).toEqual(range(0, 200));
      await store.close();
      const again = await open();
      const recovered = again.view(G);
      expect(await offsetsOf(recovered, 0)).toEqual(range(0, 200));
      expect(recovered.hardState).toEqual({ term: 1, vote: 5, commit: 199 });
      expect(await recovered.findByTimestamp(1150, 200)).toEqual({
        offset: 150,
        timestampMs: 1150,
      });
      await again.close();
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  test("calls back in the order of the writes, and shows them at once", async () => {
    const fixture = await StoreFixture.open();
    const group = await fixture.group(1);
    const order: number[] = [];
    fixture.store.write([fixture.dataWrite(group)], () => order.push(1));
    fixture.store.write([], () => order.push(2));
    fixture.store.write([fixture.dataWrite(group)], () => order.push(3));
    expect(fixture.store.view(group).lastIndex).toBe(2);
    expect(order).toEqual([]);
    await settle();
    expect(order).toEqual([1, 2, 3]);
    // All three went out together, after the two batches that opened the store.
    expect(fixture.store.stats().walSyncs).toBe(2);
  });

  test("ends on a failed sync and acknowledges nothing from then on", async () => {
    const fixture = await StoreFixture.open();
    const group = await fixture.group(1);
    await fixture.appendData(group, 3);
    fixture.fileSystem.observer = ({ operation, path }) => {
      if (operation === "dataSync") throw new FileSystemError("EIO", operation, path);
    };
    let isAcknowledged = false;
    fixture.store.write([fixture.dataWrite(group)], () => {
      isAcknowledged = true;
    });
    await settle();
    fixture.fileSystem.observer = undefined;
    await fixture.store.close();
    expect(isAcknowledged).toBe(false);
    const late = await StoreFixture.open({}, fixture.disk());
    await late.store.close();
  });

  test("trusts no byte that a failed sync may have left in memory only", async () => {
    const fixture = await StoreFixture.open();
    const group = await fixture.group(1);
    await fixture.appendData(group, 3);
    fixture.fileSystem.observer = ({ operation, path }) => {
      if (operation === "dataSync") throw new FileSystemError("EIO", operation, path);
    };
    let isAcknowledged = false;
    fixture.store.write([fixture.dataWrite(group)], () => {
      isAcknowledged = true;
    });
    await settle();
    fixture.fileSystem.observer = undefined;
    fixture.store.write([fixture.dataWrite(group)], () => {
      isAcknowledged = true;
    });
    await fixture.time.advanceAsync(1000);
    expect(isAcknowledged).toBe(false);
    expect(fixture.fatal.map((error) => error.message)).toEqual([
      expect.stringContaining("dataSync"),
    ]);
    // The bytes are in memory, marked clean: the restart must not trust a sync of them.
    const restarted = await fixture.restart();
    expect(restarted.store.view(group).lastIndex).toBe(4);
    const survival = { random: new SeededRandom(1), keep: 0 };
    const cut = restarted.fileSystem.afterPowerCut(survival);
    const keyValue = restarted.keyValue.image();
    const afterCut = await StoreFixture.open({}, { fileSystem: cut, keyValue });
    expect(afterCut.store.view(group).lastIndex).toBe(4);
  });

  test("reports overload while segments cannot take what is pinned, and recovers", async () => {
    const fixture = await StoreFixture.open({ tailCacheBytes: 2000, flushBytes: 100 });
    const group = await fixture.group(1);
    let isSlow = true;
    fixture.fileSystem.observer = async ({ path, operation }) => {
      while (isSlow && operation === "write" && path.endsWith(".seg")) await settle();
    };
    await fixture.appendData(group, 12, 200);
    expect(fixture.store.isOverloaded).toBe(true);
    isSlow = false;
    for (let turn = 0; turn < 10; turn++) await fixture.time.advanceAsync(250);
    expect(fixture.store.isOverloaded).toBe(false);
    const { pinnedBytes, tailCacheBytes } = fixture.store.stats();
    expect(pinnedBytes).toBe(0);
    expect(tailCacheBytes).toBeLessThanOrEqual(2000);
    expect(await offsetsOf(fixture.store.view(group), 0)).toEqual(range(0, 24));
  });

  test("lets no partition pin the WAL that writes once in a while, or only votes", async () => {
    const fixture = await StoreFixture.open({ walFileBytes: 8 * 1024, walFilesMax: 2 });
    const [slow, voter, busy] = [
      await fixture.group(1),
      await fixture.group(2),
      await fixture.group(3),
    ];
    await fixture.appendData(slow, 1);
    const vote = { term: 7, vote: 3, commit: 0 };
    await fixture.write([{ group: voter, frames: [], hardState: vote }]);
    let filesMax = 0;
    for (let round = 0; round < 40; round++) {
      await fixture.appendData(busy, 5, 700);
      await fixture.time.advanceAsync(0);
      filesMax = Math.max(filesMax, fixture.store.stats().walFiles);
    }
    expect(fixture.store.stats().walBytes).toBeGreaterThan(20 * 8 * 1024);
    expect(filesMax).toBeLessThanOrEqual(4);
    const wal = [...fixture.fileSystem.files().keys()].filter((path) => path.endsWith(".wal"));
    expect(wal.length).toBeLessThanOrEqual(6);
    const again = await fixture.restart();
    expect(again.store.view(slow).lastIndex).toBe(1);
    expect(again.store.view(voter).hardState).toEqual(vote);
    expect(again.store.view(busy).lastIndex).toBe(200);
  });

  test("refuses load on a full disk, loses nothing, and goes on when there is room", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100 });
    const group = await fixture.group(1);
    await fixture.appendData(group, 2);
    await settle();
    fixture.fileSystem.capacityBytes = fixture.fileSystem.usedBytes();
    await fixture.appendData(group, 4, 300);
    await fixture.time.advanceAsync(500);
    expect(fixture.store.isOverloaded).toBe(true);
    expect(fixture.fatal).toEqual([]);
    fixture.fileSystem.capacityBytes = Number.POSITIVE_INFINITY;
    await fixture.time.advanceAsync(2000);
    expect(fixture.store.isOverloaded).toBe(false);
    await fixture.appendData(group, 1);
    await fixture.store.checkpoint();
    expect(await offsetsOf(fixture.store.view(group), 0)).toEqual(range(0, 14));
    const restarted = await fixture.restart();
    expect(await offsetsOf(restarted.store.view(group), 0)).toEqual(range(0, 14));
  });
});

describe("groups", () => {
  test("are made once, also by two calls at a time", async () => {
    const fixture = await StoreFixture.open();
    const descriptor = { group: G, kind: "partition", replicaEpoch: 1 } as const;
    const both = await Promise.all([
      fixture.store.createGroup(descriptor),
      fixture.store.createGroup(descriptor),
    ]);
    expect(both[0]).toBe(both[1]);
    await fixture.appendData(G, 1);
    expect((await fixture.store.createGroup(descriptor)).lastIndex).toBe(1);
  });

  test("that were dropped are gone with their files, and can be made anew", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100 });
    await fixture.group(7);
    await fixture.appendData(G, 5);
    await fixture.store.checkpoint();
    await fixture.store.dropGroup(G);
    await fixture.store.dropGroup(G);
    expect(fixture.store.group(G)).toBeUndefined();
    const names = [...fixture.fileSystem.files().keys()];
    expect(names.filter((name) => name.includes("/groups/"))).toEqual([]);
    const log = await fixture.store.createGroup({ group: G, kind: "partition", replicaEpoch: 2 });
    expect(log.lastIndex).toBe(0);
    const restarted = await fixture.restart();
    expect(restarted.store.view(G).lastIndex).toBe(0);
    expect(restarted.store.view(G).descriptor.replicaEpoch).toBe(2);
  });
});

describe("reads", () => {
  test("skip frames without records and stop at the asked end", async () => {
    const fixture = await StoreFixture.open();
    const group = await fixture.group(1);
    const log = fixture.store.view(group);
    await fixture.write([{ group, frames: [plainFrame(nextPlace(log, 1), "noop")] }]);
    await fixture.appendData(group, 3);
    await fixture.write([{ group, frames: [plainFrame(nextPlace(log, 1), "command")] }]);
    const result = await log.readBatches({ fromOffset: 1, endOffset: 4, maxBytes: 10_000 });
    expect(result).toMatchObject({ kind: "batches", nextOffset: 4 });
    expect(await log.readBatches({ fromOffset: 6, endOffset: 6, maxBytes: 100 })).toEqual({
      kind: "batches",
      batches: [],
      bytes: 0,
      nextOffset: 6,
    });
    // A bound inside a batch keeps the whole batch back.
    const inside = await log.readBatches({ fromOffset: 2, endOffset: 3, maxBytes: 10_000 });
    expect(inside).toMatchObject({ batches: [], nextOffset: 2 });
  });

  test("give at least one batch, whatever its size", async () => {
    const fixture = await StoreFixture.open({ tailCacheBytes: 1000, flushBytes: 100 });
    const group = await fixture.group(1);
    await fixture.appendData(group, 6, 400);
    await fixture.time.advanceAsync(1000);
    const log = fixture.store.view(group);
    for (const fromOffset of [0, 10]) {
      const result = await log.readBatches({ fromOffset, endOffset: 12, maxBytes: 1 });
      expect(result).toMatchObject({ kind: "batches", nextOffset: fromOffset + 2 });
    }
    expect(await log.fetchFrames(1, 7, 1)).toHaveLength(1);
  });

  test("below the log start say so", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100, segmentBytes: 600 });
    const group = await fixture.group(1);
    await fixture.appendData(group, 10, 200);
    await fixture.time.advanceAsync(500);
    const log = fixture.store.view(group);
    const before = log.segments().length;
    log.setLogStart(9);
    expect(log.readBatches({ fromOffset: 8, endOffset: 20, maxBytes: 100 })).toEqual({
      kind: "below-log-start",
    });
    expect(log.segments().length).toBeLessThan(before);
    expect(log.firstIndex).toBeLessThanOrEqual(5);
    expect(log.frames(1, 2, 100)).toBe("compacted");
    const filesOf = (): number =>
      [...fixture.fileSystem.files().keys()].filter((name) => name.endsWith(".seg")).length;
    // The files go only once a checkpoint without them is durable.
    expect(filesOf()).toBe(before);
    await fixture.store.checkpoint();
    expect(filesOf()).toBe(log.segments().length);
    const restarted = await fixture.restart();
    const recovered = restarted.store.view(group);
    expect(recovered.logStartOffset).toBe(9);
    expect(await offsetsOf(recovered, 9)).toEqual(range(8, 20));
  });
});

describe("a dropped prefix", () => {
  test("is asked for: a log of commands alone keeps all its segments", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100, segmentBytes: 600 });
    const group = await fixture.group(1);
    const log = fixture.store.view(group);
    for (let count = 0; count < 12; count++) {
      const place = nextPlace(log, 1);
      const frames = [plainFrame(place, "command", new Uint8Array(200))];
      const hardState = { term: 1, vote: 0, commit: place.index };
      await fixture.write([{ group, frames, hardState }]);
    }
    await fixture.time.advanceAsync(500);
    await fixture.store.checkpoint();
    expect(log.segments().length).toBeGreaterThan(2);
    expect(log.firstIndex).toBe(1);
    log.dropPrefix(6);
    expect(log.firstIndex).toBeGreaterThan(2);
    expect(log.firstIndex).toBeLessThanOrEqual(7);
  });

  test("never takes the segment that is just being written", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100, segmentBytes: 600 });
    const group = await fixture.group(1);
    const log = fixture.store.view(group);
    let dropped = 0;
    fixture.fileSystem.observer = ({ operation, path }) => {
      if (operation !== "write" || !path.endsWith(".seg")) return;
      const before = log.firstIndex;
      log.dropPrefix(log.hardState.commit);
      if (log.firstIndex > before) dropped++;
    };
    await fixture.appendData(group, 12, 200);
    await fixture.time.advanceAsync(500);
    fixture.fileSystem.observer = undefined;
    expect(dropped).toBeGreaterThan(0);
    await fixture.store.checkpoint();
    const { firstIndex, lastIndex } = log;
    const restarted = await fixture.restart();
    const recovered = restarted.store.view(group);
    expect(recovered).toMatchObject({ firstIndex, lastIndex });
    const frames = await recovered.fetchFrames(firstIndex, lastIndex + 1, 10_000);
    expect(frames).toMatchObject([{ index: firstIndex }]);
  });

  test("of before a reset does not bring the old log back", async () => {
    const fixture = await StoreFixture.open({ flushBytes: 100, segmentBytes: 600 });
    const group = await fixture.group(1);
    await fixture.appendData(group, 12, 200);
    await fixture.time.advanceAsync(500);
    const log = fixture.store.view(group);
    expect(log.segments().length).toBeGreaterThan(2);
    const reset = { index: 40, term: 3, nextOffset: 90 };
    const written = fixture.write([{ group, reset, frames: [] }]);
    log.dropPrefix(40);
    expect(log).toMatchObject({ firstIndex: 41, lastIndex: 40, nextOffset: 90 });
    await written;
    await fixture.store.checkpoint();
    expect(log).toMatchObject({ firstIndex: 41, lastIndex: 40, nextOffset: 90 });
    expect(log.term(40)).toBe(3);
    const restarted = await fixture.restart();
    expect(restarted.store.view(group)).toMatchObject({ firstIndex: 41, nextOffset: 90 });
  });
});
