/**
 * What 100 readers of old records do to the writers' acknowledgements:
 * `npm run bench:cold-readers -- [--readers N] [--seconds N] [--rounds N]`.
 *
 * Writers append 1 KiB durably to a hundred partitions; readers fetch up to 1 MiB at a time from
 * places that no memory of the store holds, one after the other without a pause. With and without
 * the readers in turn, in one run. Prints the 99th percentile of the acknowledgements of both and
 * exits with 1 when the readers more than double it. (The system's page cache may hold what is
 * read: readers that it serves are the quickest, and so press hardest.)
 */
import { parseArgs } from "node:util";
import type { GroupLog } from "@stratalog/log-store";
import { Latencies, median, whole } from "./storage/figures.ts";
import {
  batchOf,
  closeStore,
  createLogs,
  nextWrite,
  openStore,
  removeDirectory,
  temporaryDirectory,
  type TemporaryStore,
  whileOverloaded,
  written,
} from "./storage/temporary-store.ts";

const RATIO_MAX = 2;
const PARTITIONS = 100;
const OLD_BATCHES = 160;
const OLD_BATCH_BYTES = 64 * 1024;
const READ_BYTES = 1024 * 1024;
/** Below what is loaded, so that the beginning of every log is on disk alone. */
const TAIL_CACHE_BYTES = 64 * 1024 * 1024;
/** Appends a second over all writers: far from what the disk can do. */
const WRITE_PAUSE_MS = 20;

async function load({ store }: TemporaryStore, logs: readonly GroupLog[]): Promise<void> {
  const template = batchOf(new Uint8Array(OLD_BATCH_BYTES).fill(3));
  for (let batch = 0; batch < OLD_BATCHES; batch++) {
    await whileOverloaded(store);
    await written(
      store,
      logs.map((log) => nextWrite(log, template)),
    );
  }
  await store.checkpoint();
}

interface Phase {
  readonly acks: Latencies;
  readonly readBytes: number;
}

async function phase(
  { store }: TemporaryStore,
  logs: readonly GroupLog[],
  options: { readonly readers: number; readonly seconds: number },
): Promise<Phase> {
  const endMs = performance.now() + options.seconds * 1000;
  const acks = new Latencies();
  const template = batchOf(new Uint8Array(1024).fill(7));
  const write = async (log: GroupLog): Promise<void> => {
    while (performance.now() < endMs) {
      await whileOverloaded(store);
      const beganMs = performance.now();
      await written(store, [nextWrite(log, template)]);
      acks.add(performance.now() - beganMs);
      await new Promise((resolve) => setTimeout(resolve, WRITE_PAUSE_MS * 2 * Math.random()));
    }
  };
  let readBytes = 0;
  const read = async (reader: number): Promise<void> => {
    const log = logs[reader % logs.length] as GroupLog;
    while (performance.now() < endMs) {
      const fromOffset = Math.floor(Math.random() * (OLD_BATCHES / 2));
      const request = { fromOffset, endOffset: OLD_BATCHES, maxBytes: READ_BYTES };
      const answer = await log.readBatches(request);
      if (answer.kind === "batches") readBytes += answer.bytes;
    }
  };
  await Promise.all([
    ...logs.map((log) => write(log)),
    ...Array.from({ length: options.readers }, (_, reader) => read(reader)),
  ]);
  return { acks, readBytes };
}

const { values } = parseArgs({
  options: {
    readers: { type: "string", default: "100" },
    seconds: { type: "string", default: "6" },
    rounds: { type: "string", default: "4" },
  },
});
const readers = Number(values.readers);
const seconds = Number(values.seconds);
const directory = await temporaryDirectory("cold");
const opened = await openStore(directory, { tailCacheBytes: TAIL_CACHE_BYTES });
const logs = await createLogs(opened.store, PARTITIONS);
await load(opened, logs);
const alone: number[] = [];
const beside: number[] = [];
for (let round = 0; round < Number(values.rounds); round++) {
  for (const count of [0, readers]) {
    const { acks, readBytes } = await phase(opened, logs, { readers: count, seconds });
    (count === 0 ? alone : beside).push(acks.at(0.99));
    console.log(
      `${String(count).padStart(4)} readers   ${whole(acks.count / seconds).padStart(6)} appends/s` +
        `   p50 ${acks.at(0.5).toFixed(2)} ms   p99 ${acks.at(0.99).toFixed(2)} ms   ` +
        `${whole(readBytes / 1e6 / seconds)} MB/s read`,
    );
  }
}
await closeStore(opened);
await removeDirectory(directory);
const ratio = median(beside) / median(alone);
console.log(
  `medians of p99: ${median(alone).toFixed(2)} ms without, ${median(beside).toFixed(2)} ms with ` +
    `${readers} readers, ${ratio.toFixed(2)} times (at most ${RATIO_MAX} wanted)`,
);
process.exitCode = ratio <= RATIO_MAX ? 0 : 1;
