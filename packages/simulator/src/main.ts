/**
 * Runs simulations from the command line: `--seed N` replays one, `--seeds N [--from M]` runs many.
 * Prints what broke, the last events and the command that shows it again; exits with 0 only when
 * nothing broke.
 */
import process from "node:process";
import { machineClock } from "@stratalog/base";
import { type RaftSimulationReport, runRaftSimulation } from "./raft/raft-simulation.ts";
import { SimulationFailure } from "./raft/raft-simulation.ts";

const LAST_LINES = 40;

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

async function main(): Promise<number> {
  const single = option("seed");
  const from = single ?? option("from") ?? 1;
  const count = single === undefined ? (option("seeds") ?? 20) : 1;
  const storage = process.argv.includes("--log-store") ? "log-store" : "memory";
  const startMs = machineClock.monotonicMs();
  let simulatedMs = 0;
  for (let seed = from; seed < from + count; seed++) {
    try {
      const report = await runRaftSimulation({ seed, storage });
      simulatedMs += report.simulatedMs;
      if (count === 1) print(describe(report));
    } catch (error) {
      if (!(error instanceof SimulationFailure)) throw error;
      explain(error, storage);
      return 1;
    }
  }
  const elapsedMs = machineClock.monotonicMs() - startMs;
  const perHour = Math.round((count / elapsedMs) * 3_600_000);
  const speed = (simulatedMs / elapsedMs).toFixed(0);
  print(
    `${count} seeds passed in ${(elapsedMs / 1000).toFixed(1)} s: ${perHour} an hour, ${speed}:1`,
  );
  return 0;
}

process.exitCode = await main();
