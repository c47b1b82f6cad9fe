/**
 * How long a log store takes to open: `npm run bench:open-store -- [--gigabytes N]`.
 *
 * Fills a hundred partitions, 10 GB of segments by default, stops, and opens the directory; then
 * adds what a write-ahead log holds, leaves the store without a stop, and opens again. Prints both
 * and exits with 1 when the first takes 3 s or more. The segments are whole, with right checksums,
 * but the values in them are zeros that are left out of the files (holes), so that the run needs
 * little disk; opening looks at no value, whole or not.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type FileHandle,
  type FileSystem,
  type GroupLog,
  NodeFileSystem,
} from "@stratalog/log-store";
import { whole } from "./storage/figures.ts";
import {
  batchOf,
  closeStore,
  createLogs,
  nextWrite,
  openStore,
  removeDirectory,
  temporaryDirectory,
  whileOverloaded,
  written,
} from "./storage/temporary-store.ts";

const OPEN_SECONDS_MAX = 3;
const PARTITIONS = 100;
const BATCH_BYTES = 1_000_000;
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Left in the write-ahead log for the second opening. */
const UNFLUSHED_BATCHES = 400;
/** The beginning of a value is written: headers and the small parts around it lie there. */
const WRITTEN_BYTES = 4096;

/** Leaves the zeros of large values out of files, where a file system makes holes of them. */
function sparse(fileSystem: FileSystem): FileSystem {
  const zeros = new Uint8Array(BATCH_BYTES);
  const isHole = (part: Uint8Array): boolean => {
    const value = part.subarray(WRITTEN_BYTES, -1);
    return Buffer.compare(value, zeros.subarray(0, value.length)) === 0;
  };
  const handleOf = (handle: FileHandle): FileHandle => ({
    path: handle.path,
    sizeBytes: () => handle.sizeBytes(),
    read: (target, position) => handle.read(target, position),
    dataSync: () => handle.dataSync(),
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    close: () => handle.close(),
    async write(parts, position) {
      let at = position;
      for (const part of parts) {
        if (part.length > WRITTEN_BYTES && isHole(part)) {
          await handle.write([part.subarray(0, WRITTEN_BYTES)], at);
          await handle.write([part.subarray(-1)], at + part.length - 1);
        } else {
          await handle.write([part], at);
        }
        at += part.length;
      }
    },
  });
  return {
    open: async (path, mode) => handleOf(await fileSystem.open(path, mode)),
    list: (path) => fileSystem.list(path),
    makeDirectory: (path) => fileSystem.makeDirectory(path),
    rename: (from, to) => fileSystem.rename(from, to),
    remove: (path) => fileSystem.remove(path),
    removeDirectory: (path) => fileSystem.removeDirectory(path),
    syncDirectory: (path) => fileSystem.syncDirectory(path),
    exists: (path) => fileSystem.exists(path),
    space: (path) => fileSystem.space(path),
  };
}

async function fill(directory: string, bytes: number): Promise<void> {
  const fileSystem = sparse(new NodeFileSystem());
  const opened = await openStore(directory, { fileSystem, segmentBytes: SEGMENT_BYTES });
  const { store } = opened;
  const logs = await createLogs(store, PARTITIONS);
  const template = batchOf(new Uint8Array(BATCH_BYTES));
  for (let done = 0; done < bytes; done += PARTITIONS * BATCH_BYTES) {
    for (const log of logs) {
      await whileOverloaded(store);
      await written(store, [nextWrite(log, template)]);
    }
  }
  await closeStore(opened);
}

interface Opening {
  readonly seconds: number;
  readonly segments: number;
  readonly bytes: number;
  readonly records: number;
}

function sumOf(logs: readonly GroupLog[]): Omit<Opening, "seconds"> {
  const facts = logs.flatMap((log) => log.segments());
  return {
    segments: facts.length,
    bytes: logs.reduce((sum, log) => sum + log.sizeBytes, 0),
    records: logs.reduce((sum, log) => sum + log.nextOffset, 0),
  };
}

/** Opens the directory, with the LevelDB in it. */
async function open(directory: string): Promise<Opening> {
  const startMs = performance.now();
  const opened = await openStore(directory, { segmentBytes: SEGMENT_BYTES });
  const seconds = (performance.now() - startMs) / 1000;
  const { store } = opened;
  const sums = sumOf(store.groups().map(({ group }) => store.view(group)));
  await closeStore(opened);
  return { seconds, ...sums };
}

/** Writes real values, and is gone without a word: the write-ahead log alone is sure to have them. */
async function writeAndDie(directory: string): Promise<void> {
  const { store } = await openStore(directory, { segmentBytes: SEGMENT_BYTES });
  const logs = store.groups().map(({ group }) => store.view(group));
  const template = batchOf(new Uint8Array(BATCH_BYTES / 4).fill(7));
  for (let batch = 0; batch < UNFLUSHED_BATCHES; batch++) {
    const log = logs[batch % logs.length] as GroupLog;
    await whileOverloaded(store);
    await written(store, [nextWrite(log, template)]);
  }
  process.kill(process.pid, "SIGKILL");
}

function say(name: string, { seconds, segments, bytes, records }: Opening): void {
  console.log(
    `${name}: ${seconds.toFixed(2)} s for ${whole(bytes / 1e6)} MB in ${segments} segments of ` +
      `${PARTITIONS} partitions, ${whole(records)} records`,
  );
}

async function main(gigabytes: number): Promise<void> {
  const directory = await temporaryDirectory("open");
  try {
    await fill(directory, gigabytes * 1e9);
    const used = execFileSync("du", ["-sm", directory], { encoding: "utf8" }).split("\t")[0];
    console.log(`${used} MB on the disk`);
    const clean = await open(directory);
    say("after a clean stop", clean);
    const script = fileURLToPath(import.meta.url);
    const child = spawnSync(process.execPath, [...process.execArgv, script, "--leave", directory]);
    if (child.signal !== "SIGKILL") throw new Error(`the writer ended: ${String(child.stderr)}`);
    const killed = await open(directory);
    say("after a kill", killed);
    const replayed = whole((UNFLUSHED_BATCHES * BATCH_BYTES) / 4e6);
    console.log(`${replayed} MB of them came from the write-ahead log after the kill`);
    process.exitCode = clean.seconds < OPEN_SECONDS_MAX ? 0 : 1;
  } finally {
    await removeDirectory(directory);
  }
}

const { values } = parseArgs({
  options: { gigabytes: { type: "string", default: "10" }, leave: { type: "string" } },
});
if (values.leave === undefined) await main(Number(values.gigabytes));
else await writeAndDie(values.leave);
