import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeUtf8, groupNumber, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import { createFrame, LogStore, NodeFileSystem } from "@stratalog/log-store";
import { BatchBuilder, patchLeaderEpoch } from "@stratalog/record-batch";
import { afterEach, beforeEach, expect, it } from "vitest";
import { exportDataDirectory, inspectDataDirectory } from "./inspect-data-directory.ts";
import { LevelKeyValueStore } from "./level-key-value-store.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-inspect-"));
  await writeThreeRecords();
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

async function writeThreeRecords(): Promise<void> {
  const keyValue = await LevelKeyValueStore.open(join(directory, "kv"));
  const time = new ManualTime();
  const store = await LogStore.open({
    fileSystem: new NodeFileSystem(),
    keyValue,
    clock: time,
    timers: time,
    logger: silentLogger,
    directory,
    walFileBytes: 64 * 1024,
    onFatal: (error) => {
      throw error;
    },
  });
  const group = groupNumber(5);
  const topic = { topic: "orders", partition: 2 };
  await store.createGroup({ group, kind: "partition", replicaEpoch: 1, ...topic });
  const builder = new BatchBuilder();
  for (const value of ["a", "b", "c"]) {
    builder.append({ key: null, value: encodeUtf8(value), timestampMs: 7 });
  }
  const place = { term: 0, index: 1, baseOffset: 0, span: 3 };
  const payload = builder.build();
  patchLeaderEpoch(payload, 0, place.term);
  const frames = [createFrame({ kind: "data", ...place, payload })];
  await new Promise<void>((done) => store.write([{ group, frames }], done));
  await store.close();
  await keyValue.close();
}

async function allBytes(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found.set(path, (await readFile(path)).toString("base64"));
  }
  return found;
}

it("finds groups, segments and records, and changes nothing", async () => {
  const before = await allBytes();
  const values: string[] = [];
  const report = await exportDataDirectory(directory, ({ topic, partition, offset, value }) => {
    values.push(`${topic}-${partition}@${offset} ${Buffer.from(value ?? []).toString()}`);
  });
  expect(values).toEqual(["orders-2@0 a", "orders-2@1 b", "orders-2@2 c"]);
  expect(report.problems).toEqual([]);
  expect(report.groups[0]?.segments[0]).toMatchObject({ frames: 1, nextOffset: 3 });
  expect(await allBytes()).toEqual(before);
});

it("refuses what is no data directory", async () => {
  const report = inspectDataDirectory(join(directory, "groups"));
  await expect(report).rejects.toMatchObject({ code: "DIRECTORY_UNUSABLE" });
});

it.runIf(process.platform === "linux")("refuses a directory that is open", async () => {
  const open = await LevelKeyValueStore.open(join(directory, "kv"));
  await expect(inspectDataDirectory(directory)).rejects.toMatchObject({ code: "DIRECTORY_IN_USE" });
  await open.close();
  expect((await inspectDataDirectory(directory)).problems).toEqual([]);
});
