import { describe, expect, it } from "vitest";
import { SimulationFailure } from "../raft/simulation-failure.ts";
import { commitSeed } from "../testing/commit-seed.ts";
import { runCoreSimulation } from "./core-simulation.ts";

const FIXED_COUNT = 100;
const COMMIT_COUNT = 100;
/** Two seconds of computing, on whatever else the machine does. */
const TIMEOUT_MS = 120_000;
const { seed: first, origin } = commitSeed();

/** Runs seeds in a row; what they did altogether. A failure names its seed. */
function runMany(from: number, count: number): { committed: number; configurations: number } {
  let [committed, configurations] = [0, 0];
  for (let seed = from; seed < from + count; seed++) {
    const report = runCoreSimulation({ seed });
    committed += report.committedCount;
    configurations += report.configurationCount;
  }
  return { committed, configurations };
}

describe("Raft cores under faults", () => {
  it(
    `keep every rule and make progress afterwards (seeds 1 to ${FIXED_COUNT})`,
    () => {
      const { committed, configurations } = runMany(1, FIXED_COUNT);
      expect(committed / FIXED_COUNT).toBeGreaterThan(50);
      expect(configurations / FIXED_COUNT).toBeGreaterThan(2);
    },
    TIMEOUT_MS,
  );

  it(
    `do so in histories of their own at each commit (from seed ${first}, ${origin})`,
    () => {
      console.log(`core simulation: ${COMMIT_COUNT} seeds from ${first} (${origin})`);
      const { committed } = runMany(first, COMMIT_COUNT);
      expect(committed).toBeGreaterThan(COMMIT_COUNT);
    },
    TIMEOUT_MS,
  );

  it("have the same history twice from one seed, and another from another", () => {
    for (let seed = 1; seed <= 10; seed++) {
      expect(runCoreSimulation({ seed })).toEqual(runCoreSimulation({ seed }));
    }
    expect(runCoreSimulation({ seed: 8 }).digest).not.toBe(runCoreSimulation({ seed: 9 }).digest);
  });

  it("are caught when a disk answers before it has synced", () => {
    const failure = catchFailure(() => runCoreSimulation({ seed: 1, mutant: "lying-disk" }));
    expect(failure.message).toMatch(/durable|follow the disk/);
    expect(failure.lastLines.length).toBeGreaterThan(0);
  });

  it("are caught when a disk forgets what it had synced", () => {
    const seeds = Array.from({ length: 50 }, (_, position) => position + 1);
    const run = (): void => {
      for (const seed of seeds) runCoreSimulation({ seed, mutant: "forgetful-disk" });
    };
    expect(catchFailure(run).message).toMatch(/seed \d+: /);
  });
});

function catchFailure(run: () => void): SimulationFailure {
  try {
    run();
  } catch (error) {
    if (error instanceof SimulationFailure) return error;
    throw error;
  }
  throw new Error("nothing was caught");
}
