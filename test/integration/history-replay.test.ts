// Real histories with a ground truth that nobody here wrote: replayed to each mark by offset and by
// time, and folded by resumed views, they equal git's trees, through 1, 3 and 48 partitions.
import { join } from "node:path";
import {
  type FileEvent,
  FileTreeFold,
  formatTree,
  type History,
  readBundledHistory,
  readEventFile,
  treeDifferences,
  type TreeMark,
} from "@stratalog/cli";
import {
  json,
  MemorySnapshotStore,
  partitionOfKey,
  type ReplayPoint,
  type Stratalog,
} from "@stratalog/client";
import { startTestCluster, type TestCluster } from "@stratalog/testing";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canRun, sharedFolder } from "../skips.ts";

let cluster: TestCluster;
let log: Stratalog;

beforeAll(async () => {
  cluster = await startTestCluster();
  log = cluster.connect();
});

afterAll(async () => {
  await log.close();
  await cluster.stop();
});

const encoder = new TextEncoder();

/** Stores a history keyed by path, each event at its commit's time. */
async function importHistory(history: History, topic: string, partitions: number): Promise<void> {
  await log.admin().createTopic({ name: topic, partitions });
  await using producer = log.producer();
  for (const event of history.events) {
    const record = { topic, key: event.path, value: event, timestamp: event.time };
    // The producer's memory is bounded: it says when to wait.
    const room = producer.enqueue(record);
    if (room !== undefined) await room;
  }
  await producer.flush();
}

/** Where each partition stands after the first `endSeq` events. */
function offsetsAt(history: History, endSeq: number, partitions: number): ReplayPoint {
  const offsets: Record<number, number> = {};
  for (let partition = 0; partition < partitions; partition++) offsets[partition] = 0;
  for (const event of history.events.slice(0, endSeq)) {
    const partition = partitionOfKey(encoder.encode(event.path), partitions);
    offsets[partition] = (offsets[partition] ?? 0) + 1;
  }
  return { offsets };
}

async function replayedTree(topic: string, to: ReplayPoint | "end"): Promise<string> {
  const fold = new FileTreeFold(Number.MAX_SAFE_INTEGER);
  const value = json<FileEvent>();
  for await (const batch of log.replay({ topic, to, value }).batches()) {
    for (const record of batch) if (record.value !== null) fold.apply(record.value);
  }
  return formatTree(fold.tree);
}

type File = { readonly mode: string; readonly blob: string };

/** A view of the files up to a mark, gone on from the snapshot of the mark before. */
async function resumedTree(options: {
  readonly topic: string;
  readonly to: ReplayPoint;
  readonly store: MemorySnapshotStore;
}): Promise<{ readonly tree: string; readonly foldedCount: number }> {
  const view = await log.materialize<File, string, FileEvent>({
    ...options,
    value: json<FileEvent>(),
    fold: (_file, record) => {
      const { mode, blob } = record.value ?? {};
      return mode === undefined || blob === undefined ? undefined : { mode, blob };
    },
  });
  return { tree: formatTree(new Map(view)), foldedCount: view.foldedCount };
}

/** What differs at every mark, each way of getting there. */
async function differences(history: History, partitions: number): Promise<readonly string[]> {
  const topic = `${history.name}-${partitions}`;
  await importHistory(history, topic, partitions);
  const store = new MemorySnapshotStore();
  const found: string[] = [];
  const compare = (mark: TreeMark, way: string, tree: string): void => {
    const lines = treeDifferences(mark.tree, tree);
    found.push(...lines.map((line) => `${mark.source} ${way}: ${line}`));
  };
  let before = 0;
  for (const mark of history.marks) {
    const to = offsetsAt(history, mark.endSeq, partitions);
    compare(mark, "by offset", await replayedTree(topic, to));
    const timestamp = history.events[mark.endSeq]?.time;
    const toTime = timestamp === undefined ? ("end" as const) : { timestamp };
    compare(mark, "by time", await replayedTree(topic, toTime));
    const resumed = await resumedTree({ topic, to, store });
    compare(mark, "by a resumed view", resumed.tree);
    expect(resumed.foldedCount).toBe(mark.endSeq - before);
    before = mark.endSeq;
  }
  return found;
}

const data = sharedFolder("data");
const hasData = canRun({
  need: "data",
  isMet: data !== undefined,
  name: "replays of other projects' histories",
  reason: "../shared/data is not there",
});

describe("a history in a log", () => {
  it.each([1, 3, 48])("comes back as git has it, of this repository, by %i", async (partitions) => {
    expect(await differences(await readBundledHistory(), partitions)).toEqual([]);
  });

  describe.skipIf(!hasData)("of another project", () => {
    it.each([1, 3, 48])(
      "comes back as git has it, through %i partitions",
      async (partitions) => {
        const history = await readEventFile(join(data!, "repo-history", "kafka.jsonl.gz"));
        expect(history.marks).toHaveLength(3);
        expect(await differences(history, partitions)).toEqual([]);
      },
      // A machine that is busy with more than this is no fault of the log.
      300_000,
    );
  });
});
