/**
 * Runs simulations from the command line: `--seed N` replays one, `--seeds N [--from M]` runs many.
 * Prints what broke, the last events and the command that shows it again; exits with 0 only when
 * nothing broke. Many seeds are noted in test-results/raft-sim.jsonl, and a run that was stopped
 * goes on where it was as long as the sources are the same.
 */
import process from "node:process";
import { machineClock } from "@stratalog/base";
import { type RaftSimulationReport, runRaftSimulation } from "./raft/raft-simulation.ts";
import { SimulationFailure } from "./raft/raft-simulation.ts";
import { RunLedger, stateOfSources } from "./run-ledger.ts";

const LAST_LINES = 40;
/** Seeds of one line in the ledger. */
const CHUNK_SEEDS = 100;
const LEDGER_PATH = "test-results/raft-sim.jsonl";

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

function describe(report: RaftSimulationReport): string {
  const { seed, eventCount, committedCount, digest, faults } = report;
  const seconds = (report.simulatedMs / 1000).toFixed(1);
  return `seed ${seed}: ${eventCount} events, ${seconds} s simulated, ${committedCount} committed, ${digest} (${faults.join(" ")})`;
}

function explain(failure: SimulationFailure, storage: string): void {
  for (const line of failure.lastLines.slice(-LAST_LINES)) print(`  ${line}`);
  print(`FAILED ${failure.message}`);
  if (failure.cause instanceof Error) print(failure.cause.stack ?? "");
  const flag = storage === "log-store" ? " --log-store" : "";
  const command = "npx tsx -C @stratalog/source packages/simulator/src/main.ts";
  print(`again: ${command} --seed ${failure.seed}${flag}`);
}

interface Run {
  readonly storage: "memory" | "log-store";
  readonly commit: string;
  readonly ledger: RunLedger;
}

/** Runs seeds until one fails; what was done is in the ledger even when this is stopped. */
async function runSeeds(run: Run, seeds: readonly number[]): Promise<boolean> {
  const { storage, commit, ledger } = run;
  let chunk: { readonly from: number; readonly startMs: number } | undefined;
  for (const [position, seed] of seeds.entries()) {
    chunk ??= { from: seed, startMs: machineClock.monotonicMs() };
    const note = (result: "passed" | "failed", from: number): void => {
      const startMs = chunk?.startMs ?? machineClock.monotonicMs();
      const seconds = Math.round((machineClock.monotonicMs() - startMs) / 100) / 10;
      ledger.append({ commit, storage, from, to: seed, result, seconds });
    };
    try {
      await runRaftSimulation({ seed, storage });
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      explain(error, storage);
      note("failed", seed);
      return false;
    }
    const isLast = seeds[position + 1] !== seed + 1 || (seed + 1) % CHUNK_SEEDS === 0;
    if (!isLast) continue;
    note("passed", chunk.from);
    chunk = undefined;
  }
  return true;
}

async function replay(seed: number, storage: "memory" | "log-store"): Promise<boolean> {
  try {
    print(describe(await runRaftSimulation({ seed, storage })));
    return true;
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    explain(error, storage);
    return false;
  }
}

async function main(): Promise<boolean> {
  const storage = process.argv.includes("--log-store") ? "log-store" : "memory";
  const single = option("seed");
  if (single !== undefined) return replay(single, storage);
  const from = option("from") ?? 1;
  const count = option("seeds") ?? 20;
  const commit = stateOfSources();
  const ledger = new RunLedger(LEDGER_PATH);
  const passed = ledger.passed(commit, storage);
  const all = Array.from({ length: count }, (_, position) => from + position);
  const seeds = all.filter((seed) => !passed.has(seed));
  const startMs = machineClock.monotonicMs();
  if (!(await runSeeds({ storage, commit, ledger }, seeds))) return false;
  const elapsedMs = machineClock.monotonicMs() - startMs;
  const perHour =
    seeds.length === 0 ? "" : `: ${Math.round((seeds.length / elapsedMs) * 3_600_000)} an hour`;
  const earlier = count === seeds.length ? "" : `, ${count - seeds.length} before`;
  const seconds = (elapsedMs / 1000).toFixed(1);
  print(`${seeds.length} seeds passed in ${seconds} s at ${commit}${perHour}${earlier}`);
  return true;
}

process.exitCode = (await main()) ? 0 : 1;
