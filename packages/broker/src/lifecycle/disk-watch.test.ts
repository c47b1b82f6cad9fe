import { silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { DiskWatch } from "./disk-watch.ts";

function watched() {
  const time = new ManualTime();
  const disk = {
    batch: undefined as number | undefined,
    isFull: false,
    handOvers: 0,
    notTaken: 0,
  };
  const watch = new DiskWatch({
    timers: time,
    logger: silentLogger,
    stuckMs: 1_000,
    batchUnderWay: () => disk.batch,
    isFull: () => disk.isFull,
    handOver: () => {
      disk.handOvers++;
      return Promise.resolve({ notTaken: disk.notTaken });
    },
  });
  watch.start();
  return { time, disk, watch };
}

test("a disk that is slow but answers keeps its leaderships", async () => {
  const { time, disk } = watched();
  for (let batch = 1; batch <= 20; batch++) {
    disk.batch = batch;
    await time.advanceAsync(900);
  }
  expect(disk.handOvers).toBe(0);
});

test("a full disk gives leaderships away until it has room", async () => {
  const { time, disk } = watched();
  disk.isFull = true;
  await time.advanceAsync(300);
  expect(disk.handOvers).toBe(1);
  disk.isFull = false;
  await time.advanceAsync(5_000);
  expect(disk.handOvers).toBe(1);
});

test("a batch that never ends gives leaderships away, again and again until it does", async () => {
  const { time, disk, watch } = watched();
  disk.batch = 7;
  await time.advanceAsync(1_300);
  expect(disk.handOvers).toBe(1);
  await time.advanceAsync(500);
  expect(disk.handOvers).toBeGreaterThan(1);
  disk.batch = undefined;
  const before = disk.handOvers;
  await time.advanceAsync(5_000);
  expect(disk.handOvers).toBe(before);
  watch.stop();
  disk.batch = 8;
  await time.advanceAsync(5_000);
  expect(disk.handOvers).toBe(before);
});

test("what nobody can take is asked of the others ever more seldom, until the disk is well again", async () => {
  const { time, disk } = watched();
  disk.isFull = true;
  disk.notTaken = 3;
  await time.advanceAsync(10 * 60_000);
  // Of 2,400 looks: after 2, 4, 8 seconds and so on, and once a minute in the end.
  expect(disk.handOvers).toBeGreaterThan(10);
  expect(disk.handOvers).toBeLessThan(20);
  disk.isFull = false;
  await time.advanceAsync(300);
  const before = disk.handOvers;
  disk.isFull = true;
  await time.advanceAsync(300);
  expect(disk.handOvers).toBe(before + 1);
  await time.advanceAsync(2_500);
  expect(disk.handOvers).toBe(before + 2);
});

test("as soon as others take what they are asked to, they are asked at each look", async () => {
  const { time, disk } = watched();
  disk.isFull = true;
  await time.advanceAsync(10_000);
  expect(disk.handOvers).toBe(40);
});
