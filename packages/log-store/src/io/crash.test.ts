// Crash test. A seeded workload runs on a file system in memory; before every call of it (and every
// write of the checkpoint store) the machine is crashed in several ways, recovered from what is
// left, and compared with a naive model of the log: the result must be the state after some write
// that is not older than the last acknowledged one.
import { type KeyValueStore, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { expect, test } from "vitest";
import { CrashWorkload } from "../testing/crash-workload.ts";
import { type Expectation, LogModel } from "../testing/log-model.ts";
import { MemoryFileSystem } from "../testing/memory-file-system.ts";
import { LogStore } from "./log-store.ts";

const DIRECTORY = "/data";
/** Calls that change nothing: a crash before the next one that does is the same crash. */
/**
 * At every so many points the process is killed, and recovery itself is crashed at each of its
 * calls.
 */
const NESTED_EVERY = 90;
const HARMLESS = new Set(["list", "exists", "sizeBytes", "read", "close"]);

function openStore(fileSystem: MemoryFileSystem, keyValue: KeyValueStore, time: ManualTime) {
  return LogStore.open({
    fileSystem,
    keyValue,
    clock: time,
    timers: time,
    logger: silentLogger,
    directory: DIRECTORY,
    walFileBytes: 6 * 1024,
    walFilesMax: 2,
    segmentBytes: 2 * 1024,
    indexIntervalBytes: 256,
    tailCacheBytes: 8 * 1024,
    flushBytes: 600,
    openFilesMax: 4,
    onFatal: (error) => {
      throw error;
    },
  });
}

/** Lets an observer see the writes of the checkpoint store too. */
class ObservedKeyValue implements KeyValueStore {
  readonly inner: MemoryKeyValueStore;
  observer: (() => Promise<void>) | undefined;

  constructor(inner: MemoryKeyValueStore) {
    this.inner = inner;
  }
  get: KeyValueStore["get"] = (key) => this.inner.get(key);
  entries: KeyValueStore["entries"] = (range) => this.inner.entries(range);
  write: KeyValueStore["write"] = async (changes, options) => {
    await this.observer?.();
    await this.inner.write(changes, options);
    await this.observer?.();
  };
  close: KeyValueStore["close"] = () => this.inner.close();
}

interface Machine {
  readonly fileSystem: MemoryFileSystem;
  readonly keyValue: MemoryKeyValueStore;
}

/** Crashes, recovers and compares; gathers what is wrong. */
class CrashExaminer {
  readonly #model: LogModel;
  readonly #random: SeededRandom;
  readonly failures: string[] = [];
  states = 0;
  nested = 0;

  constructor(model: LogModel, seed: number) {
    this.#model = model;
    this.#random = new SeededRandom(seed);
  }

  /** Every way to crash now. */
  async examine(live: Machine, point: number): Promise<void> {
    const expectation = this.#model.expectation();
    const keyValue = (): MemoryKeyValueStore => live.keyValue.image();
    const keeps = [0, 1, 0.5][point % 3] ?? 0;
    const images: (readonly [string, Machine])[] = [];
    const cut = live.fileSystem.afterPowerCut({ random: this.#random, keep: keeps });
    images.push([`cut at ${point}, keeping ${keeps}`, { fileSystem: cut, keyValue: keyValue() }]);
    const random = live.fileSystem.afterPowerCut({ random: this.#random, keep: 0.7 });
    images.push([`cut at ${point}`, { fileSystem: random, keyValue: keyValue() }]);
    const isNested = point % NESTED_EVERY === 0;
    if (isNested) {
      const killed = live.fileSystem.afterKill();
      images.push([`kill at ${point}`, { fileSystem: killed, keyValue: keyValue() }]);
    }
    for (const [name, image] of images) {
      await this.#recover(name, image, expectation, isNested && name.startsWith("kill"));
    }
  }

  async #recover(
    name: string,
    machine: Machine,
    expectation: Expectation,
    crashesAgain: boolean,
  ): Promise<void> {
    if (this.failures.length > 3) return;
    const keyValue = new ObservedKeyValue(machine.keyValue);
    const again: (readonly [string, Machine])[] = [];
    if (crashesAgain) {
      // Killed, restarted, and then the power goes: at any call of the recovery, and after it.
      const observe = (): Promise<void> => {
        const keep = this.#random.below(3) / 2;
        const fileSystem = machine.fileSystem.afterPowerCut({ random: this.#random, keep });
        const image = machine.keyValue.image();
        again.push([`${name}, cut ${again.length}`, { fileSystem, keyValue: image }]);
        return Promise.resolve();
      };
      machine.fileSystem.observer = observe;
      keyValue.observer = observe;
    }
    let store: LogStore | undefined;
    try {
      store = await openStore(machine.fileSystem, keyValue, new ManualTime());
      machine.fileSystem.observer = undefined;
      // A crash damages nothing, whatever it loses.
      const result = await this.#model.match(expectation, (group) =>
        store?.group(group as Parameters<LogStore["group"]>[0]),
      );
      this.states++;
      const damage = store.groups().flatMap(({ reason }) => reason ?? []);
      if (typeof result === "string") this.failures.push(`${name}: ${result} ${damage.join()}`);
      else if (damage.length > 0) this.failures.push(`${name}: damaged: ${damage.join()}`);
    } catch (error) {
      this.failures.push(`${name}: ${String(error)}`);
    }
    if (!crashesAgain) return;
    again.push([
      `${name}, cut after`,
      {
        fileSystem: machine.fileSystem.afterPowerCut({ random: this.#random, keep: 0 }),
        keyValue: machine.keyValue.image(),
      },
    ]);
    const sampled = again.filter((_, at) => at % 3 === 0 || at === again.length - 1);
    for (const [each, image] of sampled) {
      this.nested++;
      await this.#recover(each, image, expectation, false);
    }
  }
}

const REQUIRED = [
  "truncate",
  "deep truncate",
  "reset",
  "segments dropped",
  "checkpoint",
  "create or drop",
  "recycles",
  "cuts",
  "removes",
  "segments",
];

interface Outcome {
  readonly failures: readonly string[];
  readonly points: number;
  readonly states: number;
  readonly nested: number;
  readonly counts: Readonly<Record<string, number>>;
}

/** Runs a workload and crashes it before every call. */
async function crashEverywhere(
  seed: number,
  steps: number,
  sabotage: (fileSystem: MemoryFileSystem) => void = () => {},
): Promise<Outcome> {
  const fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory(DIRECTORY);
  await fileSystem.syncDirectory("/");
  sabotage(fileSystem);
  const keyValue = new ObservedKeyValue(new MemoryKeyValueStore());
  const time = new ManualTime();
  const model = new LogModel();
  const examiner = new CrashExaminer(model, seed);
  const live: Machine = { fileSystem, keyValue: keyValue.inner };
  const seen = { recycles: 0, cuts: 0, removes: 0, segments: new Set<string>() };
  let points = 0;
  const store = await openStore(fileSystem, keyValue, time);
  fileSystem.observer = async ({ operation, path }) => {
    if (HARMLESS.has(operation)) return;
    if (path.endsWith(".seg")) {
      seen.segments.add(path);
      if (operation === "truncate") seen.cuts++;
      if (operation === "remove") seen.removes++;
    }
    if (operation === "rename" && path.endsWith(".wal")) seen.recycles++;
    await examiner.examine(live, points++);
  };
  keyValue.observer = () => examiner.examine(live, points++);
  const random = new SeededRandom(seed);
  const advance = (durationMs: number): Promise<void> => time.advanceAsync(durationMs);
  const workload = new CrashWorkload({ store, model, random, advance });
  await workload.setUp();
  for (let step = 0; step < steps && examiner.failures.length === 0; step++) await workload.step();
  const { failures, states, nested } = examiner;
  const { recycles, cuts, removes, segments } = seen;
  const counts = { ...workload.counts, recycles, cuts, removes, segments: segments.size };
  return { failures, points, states, nested, counts };
}

test.each([11, 13])(
  "a crash at any call leaves a prefix that holds everything acknowledged (seed %i)",
  async (seed) => {
    const outcome = await crashEverywhere(seed, 80);
    expect(outcome.failures, `seed ${seed}`).toEqual([]);
    expect(outcome.points).toBeGreaterThan(500);
    expect(outcome.states).toBeGreaterThan(outcome.points * 2);
    // The workload is worth nothing when one of these does not happen in it.
    const { counts } = outcome;
    for (const what of REQUIRED) expect(counts[what] ?? 0, what).toBeGreaterThan(0);
  },
  120_000,
);

test("a disk whose syncs do nothing is noticed", async () => {
  const outcome = await crashEverywhere(11, 40, ({ ignored }) => ignored.add("dataSync"));
  expect(outcome.failures.length).toBeGreaterThan(0);
});

test("a disk whose directory syncs do nothing is noticed", async () => {
  const outcome = await crashEverywhere(11, 40, ({ ignored }) => ignored.add("syncDirectory"));
  expect(outcome.failures.length).toBeGreaterThan(0);
});
