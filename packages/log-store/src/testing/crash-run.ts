import { SeededRandom } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import {
  CRASH_DIRECTORY,
  type CrashDensity,
  CrashExaminer,
  type CrashMachine,
  type CrashTally,
  ObservedKeyValue,
  openTightStore,
} from "./crash-examiner.ts";
import { CrashWorkload } from "./crash-workload.ts";
import { LogModel } from "./log-model.ts";
import { type FileCall, MemoryFileSystem } from "./memory-file-system.ts";

/** Calls that change nothing: a crash before the next one that does is the same crash. */
const HARMLESS = new Set<FileCall["operation"]>(["list", "exists", "sizeBytes", "read", "close"]);

/** One workload and how it is crashed. */
export interface CrashRun {
  readonly seed: number;
  readonly steps: number;
  readonly density: CrashDensity;
  /** Breaks the disk, to see that it is noticed. */
  readonly sabotage?: (fileSystem: MemoryFileSystem) => void;
}

/** What a run saw. `counts` names everything that occurred in the workload. */
export interface CrashOutcome {
  readonly failures: readonly string[];
  readonly points: number;
  readonly states: number;
  readonly tally: CrashTally;
  readonly counts: Readonly<Record<string, number>>;
}

/** What must occur in a workload: without each of them it is worth nothing. */
export const CRASH_EVENTS = [
  "truncate",
  "deep truncate",
  "reset",
  "segments dropped",
  "checkpoint",
  "create or drop",
  "WAL recycles",
  "segment cuts",
  "segment removals",
  "segments",
  "rolls",
] as const;

/** Counts what happens to files. */
class FileEvents {
  readonly #segments = new Set<string>();
  readonly #groups = new Set<string>();
  #recycles = 0;
  #cuts = 0;
  #removals = 0;

  see({ operation, path }: FileCall): void {
    if (operation === "rename" && path.endsWith(".wal")) this.#recycles++;
    if (!path.endsWith(".seg")) return;
    this.#segments.add(path);
    this.#groups.add(path.slice(0, path.lastIndexOf("/")));
    if (operation === "truncate") this.#cuts++;
    if (operation === "remove") this.#removals++;
  }

  get counts(): Readonly<Record<string, number>> {
    return {
      "WAL recycles": this.#recycles,
      "segment cuts": this.#cuts,
      "segment removals": this.#removals,
      segments: this.#segments.size,
      rolls: this.#segments.size - this.#groups.size,
    };
  }
}

/**
 * Runs a seeded workload and crashes it before every call that changes the disk, and around every
 * write of the checkpoint store. What recovery makes of each crash must be the state after some
 * write that is not older than the last acknowledged one. Ends early at a failure.
 */
export async function crashEverywhere(run: CrashRun): Promise<CrashOutcome> {
  const fileSystem = new MemoryFileSystem();
  await fileSystem.makeDirectory(CRASH_DIRECTORY);
  await fileSystem.syncDirectory("/");
  run.sabotage?.(fileSystem);
  const keyValue = new ObservedKeyValue(new MemoryKeyValueStore());
  const time = new ManualTime();
  const model = new LogModel();
  const examiner = new CrashExaminer(model, run.seed, run.density);
  const live: CrashMachine = { fileSystem, keyValue: keyValue.inner };
  const events = new FileEvents();
  let points = 0;
  const running = new Set<Promise<void>>();
  const examine = async (call?: FileCall): Promise<void> => {
    const examining = examiner.examine(live, points++, call);
    running.add(examining);
    await examining.finally(() => running.delete(examining));
  };
  const store = await openTightStore(fileSystem, keyValue, time);
  fileSystem.observer = async (call) => {
    if (HARMLESS.has(call.operation)) return;
    events.see(call);
    await examine(call);
  };
  keyValue.observer = () => examine();
  const random = new SeededRandom(run.seed);
  const advance = (durationMs: number): Promise<void> => time.advanceAsync(durationMs);
  const workload = new CrashWorkload({ store, model, random, advance });
  await workload.setUp();
  for (let step = 0; step < run.steps && examiner.failures.length === 0; step++) {
    await workload.step();
  }
  // What the store does on its own is still being looked at; nothing new begins.
  fileSystem.observer = undefined;
  keyValue.observer = undefined;
  await Promise.all(running);
  const { failures, states, tally } = examiner;
  return { failures, points, states, tally, counts: { ...workload.counts, ...events.counts } };
}
