import { type KeyValueStore, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime, type MemoryKeyValueStore } from "@stratalog/base/testing";
import { LogStore } from "../io/log-store.ts";
import type { FileCall, MemoryFileSystem } from "./memory-file-system.ts";
import type { Expectation, LogModel } from "./log-model.ts";

/** The data directory of crash tests. */
export const CRASH_DIRECTORY = "/data";
/** Failures after which an examiner looks no further. */
const FAILURES_MAX = 3;

/** Opens a log store whose every limit is so small that all of them are met within a second. */
export function openTightStore(
  fileSystem: MemoryFileSystem,
  keyValue: KeyValueStore,
  time: ManualTime,
): Promise<LogStore> {
  return LogStore.open({
    fileSystem,
    keyValue,
    clock: time,
    timers: time,
    logger: silentLogger,
    directory: CRASH_DIRECTORY,
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

/** Lets an observer see the writes of the checkpoint store too, before and after each. */
export class ObservedKeyValue implements KeyValueStore {
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

/** What a machine keeps over a crash. */
export interface CrashMachine {
  readonly fileSystem: MemoryFileSystem;
  readonly keyValue: MemoryKeyValueStore;
}

/** How often the dear ways to crash are tried: at every so many points. */
export interface CrashDensity {
  /** The process is killed, restarted, and then the power goes. */
  readonly killEvery: number;
  /** A sync of a file or directory fails, the process is restarted, and then the power goes. */
  readonly failedSyncEvery: number;
  /** Of the calls of a recovery, one in so many is a moment at which the power goes. */
  readonly nestedEvery: number;
}

/** How many states of each kind were recovered and compared. */
export interface CrashTally {
  powerCuts: number;
  kills: number;
  killThenCut: number;
  failedSyncs: number;
  failedSyncThenCut: number;
  failedDirectorySyncs: number;
  failedDirectorySyncThenCut: number;
}

type Kind = keyof CrashTally;

interface Crash {
  readonly name: string;
  readonly machine: CrashMachine;
  readonly kind: Kind;
  /** The kind of the power cuts in the middle of its recovery; undefined: it is left in peace. */
  readonly nested?: Kind;
}

/** Crashes a machine in several ways, recovers what is left and compares; gathers what is wrong. */
export class CrashExaminer {
  readonly #model: LogModel;
  readonly #random: SeededRandom;
  readonly #density: CrashDensity;
  readonly #syncs = { dataSync: 0, syncDirectory: 0 };
  readonly failures: string[] = [];
  readonly tally: CrashTally = {
    powerCuts: 0,
    kills: 0,
    killThenCut: 0,
    failedSyncs: 0,
    failedSyncThenCut: 0,
    failedDirectorySyncs: 0,
    failedDirectorySyncThenCut: 0,
  };

  constructor(model: LogModel, seed: number, density: CrashDensity) {
    this.#model = model;
    this.#random = new SeededRandom(seed);
    this.#density = density;
  }

  /** States that were recovered and compared. */
  get states(): number {
    return Object.values(this.tally).reduce((sum: number, count: number) => sum + count, 0);
  }

  /** Every way to crash now, before a call. */
  async examine(live: CrashMachine, point: number, call?: FileCall): Promise<void> {
    const expectation = this.#model.expectation();
    // All images are taken before anything is awaited: the workload may go on meanwhile.
    for (const crash of this.#crashes(live, point, call)) await this.#recover(crash, expectation);
  }

  #crashes(live: CrashMachine, point: number, call: FileCall | undefined): readonly Crash[] {
    const crashes: Crash[] = [];
    const machine = (fileSystem: MemoryFileSystem): CrashMachine => {
      return { fileSystem, keyValue: live.keyValue.image() };
    };
    for (const keep of [[0, 1, 0.5][point % 3] ?? 0, 0.7]) {
      const cut = live.fileSystem.afterPowerCut({ random: this.#random, keep });
      const name = `cut at ${point}, keeping ${keep}`;
      crashes.push({ name, machine: machine(cut), kind: "powerCuts" });
    }
    if (point % this.#density.killEvery === 0) {
      const killed = machine(live.fileSystem.afterKill());
      crashes.push({
        name: `kill at ${point}`,
        machine: killed,
        kind: "kills",
        nested: "killThenCut",
      });
    }
    if (call?.operation !== "dataSync" && call?.operation !== "syncDirectory") return crashes;
    if (this.#syncs[call.operation]++ % this.#density.failedSyncEvery !== 0) return crashes;
    const failed = live.fileSystem.afterKill();
    failed.failSync(call.path);
    const kinds =
      call.operation === "dataSync"
        ? ({ kind: "failedSyncs", nested: "failedSyncThenCut" } as const)
        : ({ kind: "failedDirectorySyncs", nested: "failedDirectorySyncThenCut" } as const);
    const name = `failed sync of ${call.path} at ${point}`;
    crashes.push({ name, machine: machine(failed), ...kinds });
    return crashes;
  }

  async #recover(crash: Crash, expectation: Expectation): Promise<void> {
    if (this.failures.length > FAILURES_MAX) return;
    const { machine, name, nested } = crash;
    const keyValue = new ObservedKeyValue(machine.keyValue);
    const again: Crash[] = [];
    let calls = 0;
    const cutNow = (kind: Kind, keep: number): void => {
      const fileSystem = machine.fileSystem.afterPowerCut({ random: this.#random, keep });
      const image = { fileSystem, keyValue: machine.keyValue.image() };
      again.push({ name: `${name}, cut at call ${calls}`, machine: image, kind });
    };
    if (nested !== undefined) {
      const observe = (): Promise<void> => {
        const isChosen = calls++ % this.#density.nestedEvery === 0;
        if (isChosen) cutNow(nested, this.#random.below(3) / 2);
        return Promise.resolve();
      };
      machine.fileSystem.observer = observe;
      keyValue.observer = observe;
    }
    this.tally[crash.kind]++;
    try {
      const store = await openTightStore(machine.fileSystem, keyValue, new ManualTime());
      machine.fileSystem.observer = undefined;
      keyValue.observer = undefined;
      const result = await this.#model.match(expectation, (group) =>
        store.group(group as Parameters<LogStore["group"]>[0]),
      );
      const damage = store.groups().flatMap(({ reason }) => reason ?? []);
      if (typeof result === "string") this.failures.push(`${name}: ${result} ${damage.join()}`);
      // A crash damages nothing, whatever it loses.
      else if (damage.length > 0) this.failures.push(`${name}: damaged: ${damage.join()}`);
    } catch (error) {
      this.failures.push(`${name}: ${String(error)}`);
    }
    if (nested === undefined) return;
    cutNow(nested, 0);
    for (const each of again) await this.#recover(each, expectation);
  }
}
