/**
 * 1,000 partitions on one broker, each appending 1 KiB durably, the next once the last one is
 * synced: `npm run bench:durable-appends -- [--partitions N] [--seconds N] [--rounds N]`.
 *
 * Two ways in turn, in one run on one disk: through the log store with its one write-ahead log, and
 * with a file and a sync per partition. Prints both and exits with 1 when the first is not at least
 * five times the second.
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import {
  encodeFrame,
  type FileHandle,
  type GroupWrite,
  type LogStore,
  NodeFileSystem,
} from "@stratalog/log-store";
import { Latencies, median, whole } from "./storage/figures.ts";
import {
  batchOf,
  closeStore,
  createLogs,
  nextFrame,
  nextWrite,
  openStore,
  removeDirectory,
  temporaryDirectory,
  untilFlushed,
  whileOverloaded,
} from "./storage/temporary-store.ts";

const RATIO_MIN = 5;
const VALUE_BYTES = 1024;

interface Outcome {
  readonly appendsPerSecond: number;
  readonly latencies: Latencies;
  readonly cpuSeconds: number;
}

/** Lets every writer append again and again until the time is over. */
async function measure(
  writers: readonly (() => Promise<void>)[],
  seconds: number,
): Promise<Outcome> {
  const latencies = new Latencies();
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const endMs = startMs + seconds * 1000;
  const work = async (append: () => Promise<void>): Promise<void> => {
    for (let beganMs = startMs; beganMs < endMs; beganMs = performance.now()) {
      await append();
      latencies.add(performance.now() - beganMs);
    }
  };
  await Promise.all(writers.map(work));
  const elapsed = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(startCpu);
  const cpuSeconds = (user + system) / 1e6;
  return { appendsPerSecond: latencies.count / elapsed, latencies, cpuSeconds };
}

/**
 * Appends of one turn go to the store together, as those of all groups of a broker do; every
 * partition still has one of its own under way, and goes on when it is synced.
 */
class TurnWriter {
  readonly #store: LogStore;
  #writes: GroupWrite[] = [];
  #waiting: (() => void)[] = [];

  constructor(store: LogStore) {
    this.#store = store;
  }

  append(write: GroupWrite): Promise<void> {
    if (this.#writes.length === 0) queueMicrotask(() => this.#flush());
    this.#writes.push(write);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #flush(): void {
    const [writes, waiting] = [this.#writes, this.#waiting];
    this.#writes = [];
    this.#waiting = [];
    this.#store.write(writes, () => {
      for (const resolve of waiting) resolve();
    });
  }
}

async function withSharedLog(partitions: number, seconds: number): Promise<Outcome> {
  const directory = await temporaryDirectory("appends");
  const opened = await openStore(directory);
  const { store } = opened;
  const logs = await createLogs(store, partitions);
  const template = batchOf(new Uint8Array(VALUE_BYTES).fill(7));
  const turns = new TurnWriter(store);
  const writers = logs.map((log) => async (): Promise<void> => {
    await whileOverloaded(store);
    await turns.append(nextWrite(log, template));
  });
  // Files are made at the first append: that is no part of the figure.
  await Promise.all(writers.map((append) => append()));
  await untilFlushed(store);
  const outcome = await measure(writers, seconds);
  await closeStore(opened);
  await removeDirectory(directory);
  return outcome;
}

/** What a log with a file per partition has to do: append to it, and sync it. */
async function withSyncPerSegment(partitions: number, seconds: number): Promise<Outcome> {
  const directory = await temporaryDirectory("appends");
  const fileSystem = new NodeFileSystem();
  const template = batchOf(new Uint8Array(VALUE_BYTES).fill(7));
  const files: FileHandle[] = [];
  for (let group = 1; group <= partitions; group++) {
    files.push(await fileSystem.open(join(directory, `${group}.seg`), "exclusive"));
  }
  await fileSystem.syncDirectory(directory);
  const writers = files.map((file, at) => {
    const log = { lastIndex: 0, nextOffset: 0 };
    let position = 64;
    return async (): Promise<void> => {
      const frame = nextFrame(log, template);
      await file.write(encodeFrame(at + 1, frame), position);
      await file.dataSync();
      position += frame.byteLength;
      log.lastIndex++;
      log.nextOffset += frame.span;
    };
  });
  await Promise.all(writers.map((append) => append()));
  const outcome = await measure(writers, seconds);
  for (const file of files) await file.close();
  await removeDirectory(directory);
  return outcome;
}

function say(name: string, { appendsPerSecond, latencies, cpuSeconds }: Outcome): void {
  const microseconds = (cpuSeconds * 1e6) / latencies.count;
  console.log(
    `${name.padEnd(18)} ${whole(appendsPerSecond).padStart(9)} appends/s   p50 ` +
      `${latencies.at(0.5).toFixed(1)} ms   p99 ${latencies.at(0.99).toFixed(1)} ms   ` +
      `${microseconds.toFixed(1)} µs of CPU each`,
  );
}

const { values } = parseArgs({
  options: {
    partitions: { type: "string", default: "1000" },
    seconds: { type: "string", default: "10" },
    rounds: { type: "string", default: "3" },
  },
});
const partitions = Number(values.partitions);
const shared: number[] = [];
const perSegment: number[] = [];
console.log(`${partitions} partitions, 1 KiB each, one append of each under way`);
for (let round = 0; round < Number(values.rounds); round++) {
  const one = await withSharedLog(partitions, Number(values.seconds));
  say("one shared WAL", one);
  const each = await withSyncPerSegment(partitions, Number(values.seconds));
  say("a sync per segment", each);
  shared.push(one.appendsPerSecond);
  perSegment.push(each.appendsPerSecond);
}
const ratio = median(shared) / median(perSegment);
console.log(
  `medians: ${whole(median(shared))} against ${whole(median(perSegment))} appends/s, ` +
    `${ratio.toFixed(1)} times (at least ${RATIO_MIN} wanted)`,
);
process.exitCode = ratio >= RATIO_MIN ? 0 : 1;
