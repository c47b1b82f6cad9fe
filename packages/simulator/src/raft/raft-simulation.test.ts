import { describe, expect, it } from "vitest";
import { runRaftSimulation, SimulationFailure } from "./raft-simulation.ts";

/** A handful at every test run; the command line runs as many as one likes. */
const SEEDS = Array.from({ length: 5 }, (_, i) => 1000 + i);

describe("Raft hosts under faults", () => {
  it.each(SEEDS)("keep every rule and make progress afterwards (seed %i)", async (seed) => {
    const report = await runRaftSimulation({ seed });
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
