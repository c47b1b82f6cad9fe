import { describe, expect, it } from "vitest";
import { runRaftSimulation } from "./raft-simulation.ts";
import { commitSeed } from "../testing/commit-seed.ts";
import { SimulationFailure } from "./simulation-failure.ts";

/** A handful at every test run; the command line runs as many as one likes. */
const SEEDS = Array.from({ length: 4 }, (_, i) => 1000 + i);
const { seed: ownSeed, origin } = commitSeed();

describe("Raft hosts under faults", () => {
  it.each(SEEDS)("keep every rule and make progress afterwards (seed %i)", async (seed) => {
    const report = await runRaftSimulation({ seed });
    expect(report.committedCount).toBeGreaterThan(10);
  });

  it(`do so in a history of its own at each commit (seed ${ownSeed}, ${origin})`, async () => {
    console.log(`host simulation: seed ${ownSeed} (${origin})`);
    const report = await runRaftSimulation({ seed: ownSeed });
    expect(report.committedCount).toBeGreaterThan(10);
  });

  it.each([3, 10])("do so over the log store that ships (seed %i)", async (seed) => {
    const report = await runRaftSimulation({ seed, storage: "log-store" });
    expect(report.committedCount).toBeGreaterThan(10);
  });

  it("have the same history twice from one seed, and another from another", async () => {
    const first = await runRaftSimulation({ seed: 77 });
    expect(await runRaftSimulation({ seed: 77 })).toEqual(first);
    expect((await runRaftSimulation({ seed: 78 })).digest).not.toBe(first.digest);
  });

  it("are caught when a disk reports writes durable before they are", async () => {
    const failure: unknown = await runRaftSimulation({ seed: 5, mutant: "lying-disk" }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(SimulationFailure);
    expect(String(failure)).toMatch(/durable/);
    expect((failure as SimulationFailure).lastLines.length).toBeGreaterThan(0);
  });
});
