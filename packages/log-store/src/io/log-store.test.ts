import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupNumber, machineClock, machineTimers, silentLogger } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import {
  BatchBuilder,
  decodeBatch,
  patchBaseOffset,
  patchLeaderEpoch,
} from "@stratalog/record-batch";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFrame } from "../core/frame-codec.ts";
import type { GroupLog } from "./group-log.ts";
import { LogStore } from "./log-store.ts";
import { NodeFileSystem } from "./node-file-system.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "log-store-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const G = groupNumber(7);

function open(keyValue: MemoryKeyValueStore) {
  return LogStore.open({
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
}

function dataFrame(log: GroupLog, term: number, value: string, timestampMs: number) {
  const builder = new BatchBuilder();
  builder.append({ key: null, value: new TextEncoder().encode(value), timestampMs });
  builder.append({
    key: null,
    value: new TextEncoder().encode(value),
    timestampMs: timestampMs + 1,
  });
  const payload = builder.build();
  patchBaseOffset(payload, 0, log.nextOffset);
  patchLeaderEpoch(payload, 0, term);
  const fields = {
    kind: "data",
    term,
    index: log.lastIndex + 1,
    baseOffset: log.nextOffset,
  } as const;
  return createFrame({ ...fields, span: 2, payload });
}

test("what was appended durably is read back, also after a restart", async () => {
  const keyValue = new MemoryKeyValueStore();
  const store = await open(keyValue);
  const log = await store.createGroup({ group: G, kind: "partition", replicaEpoch: 3 });
  for (let n = 0; n < 300; n++) {
    const frame = dataFrame(log, 1, `value-${n}-${"x".repeat(200)}`, 1000 + n * 10);
    const hardState = { term: 1, vote: 5, commit: log.lastIndex };
    await new Promise<void>((resolve) => {
      store.write([{ group: G, frames: [frame], hardState }], resolve);
    });
  }
  await check(log);
  await store.close();
  const again = await open(keyValue);
  expect(again.groups()).toMatchObject([{ group: 7, state: "ready" }]);
  await check(again.view(G));
  expect(again.view(G).hardState).toEqual({ term: 1, vote: 5, commit: 299 });
  await again.close();
});

async function check(log: GroupLog): Promise<void> {
  expect(log.lastIndex).toBe(300);
  expect(log.nextOffset).toBe(600);
  const offsets: number[] = [];
  for (let offset = 0; offset < 600; ) {
    const result = await log.readBatches({ fromOffset: offset, endOffset: 600, maxBytes: 4000 });
    if (result.kind !== "batches") throw new Error(result.kind);
    for (const batch of result.batches) for (const r of decodeBatch(batch)) offsets.push(r.offset);
    expect(result.nextOffset).toBeGreaterThan(offset);
    offset = result.nextOffset;
  }
  expect(offsets).toEqual(Array.from({ length: 600 }, (_, n) => n));
  expect(await log.findByTimestamp(1500, 600)).toEqual({ offset: 100, timestampMs: 1500 });
  const indexes: number[] = [];
  for (let index = 1; index <= 300; ) {
    const frames = await log.fetchFrames(index, 301, 3000);
    if (frames === "compacted") throw new Error("compacted");
    indexes.push(...frames.map((frame) => frame.index));
    index += frames.length;
  }
  expect(indexes).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
}
