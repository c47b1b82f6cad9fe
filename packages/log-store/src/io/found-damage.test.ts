// Damage that nobody could see at the start, because recovery reads no sealed segment: it is found
// by whoever reads, and from then on the group takes part in nothing.
import { expect, test } from "vitest";
import type { GroupNumber } from "@stratalog/base";
import { StoreFixture } from "../testing/store-fixture.ts";

interface Found {
  readonly group: GroupNumber;
  readonly reason: string;
}

/** A store over two groups, with a flipped bit in the middle of the first one's only segment. */
async function damagedStore() {
  const before = await StoreFixture.open();
  const first = await before.group(1);
  const second = await before.group(2);
  for (const group of [first, second]) await before.appendData(group, 5);
  await before.store.close();
  const disk = before.disk();
  const names = [...disk.fileSystem.files().keys()];
  const segment = names.find((name) => /\/1-1\/\d+\.seg$/.test(name)) ?? "";
  const position = 400;
  const byte = disk.fileSystem.files().get(segment)?.[position] ?? 0;
  disk.fileSystem.damage(segment, position, Uint8Array.of(byte ^ 4));
  const found: Found[] = [];
  const onDamaged = (group: GroupNumber, reason: string): void => {
    found.push({ group, reason });
  };
  const fixture = await StoreFixture.open({ onDamaged }, disk);
  return { fixture, first, second, segment, found };
}

const whole = { fromOffset: 0, endOffset: 10, maxBytes: 100_000 };

test("a read that meets damage says file and byte, and tells once whose it is", async () => {
  const { fixture, first, segment, found } = await damagedStore();
  const log = fixture.store.view(first);
  expect(fixture.store.groups().map(({ state }) => state)).toEqual(["ready", "ready"]);
  const message = expect.stringMatching(new RegExp(`^${segment} at byte \\d+: `));
  for (const read of [
    () => log.readBatches(whole),
    () => log.fetchFrames(1, 6, 100_000),
    () => log.findByTimestamp(51, 10),
  ]) {
    await expect(read()).rejects.toMatchObject({ code: "STORAGE_DAMAGED", message });
  }
  expect(found).toEqual([{ group: first, reason: message }]);
  expect(fixture.store.groups()).toMatchObject([
    { group: first, state: "damaged", reason: message },
    { state: "ready" },
  ]);
  await expect(fixture.group(1)).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
  expect(fixture.fatal).toEqual([]);
});

test("what was found is remembered over a restart, files and all; other groups go on", async () => {
  const { fixture, first, second, segment } = await damagedStore();
  await expect(fixture.store.view(first).fetchFrames(1, 6, 100_000)).rejects.toThrow(segment);
  // In the write-ahead log alone when the process is killed.
  await fixture.appendData(first, 1);
  await fixture.appendData(second, 1);
  await fixture.time.advanceAsync(10);
  const again = await fixture.restart();
  expect(again.store.groups()).toMatchObject([
    { group: second, state: "ready" },
    { group: first, state: "damaged", reason: expect.stringContaining(segment) },
  ]);
  expect(again.store.view(second).lastIndex).toBe(6);
  const files = [...again.fileSystem.files().keys()];
  expect(files).toContain(segment);
  expect(files.filter((name) => name.endsWith(".wal.damaged")).length).toBeGreaterThan(0);
});

test("a damaged group can be dropped, and made again", async () => {
  const { fixture, first } = await damagedStore();
  await expect(fixture.store.view(first).fetchFrames(1, 6, 100_000)).rejects.toThrow("byte");
  await fixture.store.dropGroup(first);
  await fixture.group(1);
  await fixture.appendData(first, 1);
  await fixture.store.close();
  const again = await StoreFixture.open({}, fixture.disk());
  expect(again.store.groups().map(({ state }) => state)).toEqual(["ready", "ready"]);
});

test("what its user says of a log counts like damage that a reader found", async () => {
  const { fixture, first, second, found } = await damagedStore();
  fixture.store.view(second).markDamaged("the log diverges");
  fixture.store.view(second).markDamaged("again");
  expect(found).toEqual([{ group: second, reason: "the log diverges" }]);
  await fixture.time.advanceAsync(10);
  const again = await fixture.restart();
  expect(again.store.groups()).toMatchObject([
    { group: first, state: "ready" },
    { group: second, state: "damaged", reason: "the log diverges" },
  ]);
});
