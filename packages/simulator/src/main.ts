/**
 * Runs simulations from the command line: `--seed N` replays one, `--seeds N [--from M]` runs many;
 * `--level core` (default) or `--level host [--log-store]`. Prints what broke, the last events and
 * the command that shows it again; exits with 0 only when nothing broke. Many seeds are noted in
 * test-results/raft-sim.jsonl, and a run that was stopped goes on where it was as long as the
 * sources are the same.
 */
import process from "node:process";
import { machineClock } from "@stratalog/base";
import { levelOf, type SimulationLevel } from "./levels.ts";
import { SimulationFailure } from "./raft/simulation-failure.ts";
import { RunLedger, stateOfSources } from "./run-ledger.ts";

const LAST_LINES = 60;
const LEDGER_PATH = "test-results/raft-sim.jsonl";
const MICROSECONDS_PER_HOUR = 3_600_000_000;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function option(name: string): number | undefined {
  const position = process.argv.indexOf(`--${name}`);
  if (position === -1) return undefined;
  const value = Number(process.argv[position + 1]);
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`--${name} needs a whole number`);
  }
  return value;
}

function explain(failure: SimulationFailure, level: SimulationLevel): void {
  for (const line of failure.lastLines.slice(-LAST_LINES)) print(`  ${line}`);
  print(`FAILED ${failure.message}`);
  if (failure.cause instanceof Error) print(failure.cause.stack ?? "");
  print(`again: npm run raft:sim -- --seed ${failure.seed}${level.flags}`);
}

/** One run; what it did, or undefined when it broke a rule. */
async function runSeed(level: SimulationLevel, seed: number): Promise<string | undefined> {
  try {
    return await level.run(seed);
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    explain(error, level);
    return undefined;
  }
}

interface Run {
  readonly level: SimulationLevel;
  readonly commit: string;
  readonly ledger: RunLedger;
}

/** Runs seeds until one fails; what was done is in the ledger even when this is stopped. */
async function runSeeds(run: Run, seeds: readonly number[]): Promise<boolean> {
  const { level, commit, ledger } = run;
  let chunk: { readonly from: number; readonly startMs: number } | undefined;
  for (const [position, seed] of seeds.entries()) {
    chunk ??= { from: seed, startMs: machineClock.monotonicMs() };
    const seconds = (): number =>
      Math.round((machineClock.monotonicMs() - (chunk?.startMs ?? 0)) / 100) / 10;
    if ((await runSeed(level, seed)) === undefined) {
      const line = { commit, level: level.name, to: seed, seconds: seconds() };
      if (chunk.from < seed)
        ledger.append({ ...line, from: chunk.from, to: seed - 1, result: "passed" });
      ledger.append({ ...line, from: seed, result: "failed" });
      return false;
    }
    const isLast = seeds[position + 1] !== seed + 1 || (seed + 1) % level.chunkSeeds === 0;
    if (!isLast) continue;
    const { from } = chunk;
    ledger.append({
      commit,
      level: level.name,
      from,
      to: seed,
      result: "passed",
      seconds: seconds(),
    });
    chunk = undefined;
  }
  return true;
}

/** Seeds in an hour of one core, by the time that this process computed rather than waited. */
function seedsPerHour(count: number): number {
  const { user, system } = process.cpuUsage();
  return Math.round((count / (user + system)) * MICROSECONDS_PER_HOUR);
}

async function main(): Promise<boolean> {
  const level = levelOf(process.argv);
  const single = option("seed");
  if (single !== undefined) {
    const description = await runSeed(level, single);
    if (description !== undefined) print(description);
    return description !== undefined;
  }
  const from = option("from") ?? 1;
  const count = option("seeds") ?? 20;
  const commit = stateOfSources(level.dependsOn);
  const ledger = new RunLedger(LEDGER_PATH);
  const passed = ledger.passed(commit, level.name);
  const all = Array.from({ length: count }, (_, position) => from + position);
  const seeds = all.filter((seed) => !passed.has(seed));
  const startMs = machineClock.monotonicMs();
  if (!(await runSeeds({ level, commit, ledger }, seeds))) return false;
  const seconds = ((machineClock.monotonicMs() - startMs) / 1000).toFixed(1);
  const pace = seeds.length === 0 ? "" : `, ${seedsPerHour(seeds.length)} an hour of one core`;
  const earlier = count === seeds.length ? "" : `, ${count - seeds.length} before`;
  print(
    `${level.name}: ${seeds.length} seeds passed in ${seconds} s at ${commit}${pace}${earlier}`,
  );
  return true;
}

process.exitCode = (await main()) ? 0 : 1;
