import { type CoreSimulationReport, runCoreSimulation } from "./raft-core/core-simulation.ts";
import { type RaftSimulationReport, runRaftSimulation } from "./raft/raft-simulation.ts";

/** One way to simulate Raft from a seed, for the command line. */
export interface SimulationLevel {
  /** Names it in the ledger; different levels' results say nothing about each other. */
  readonly name: string;
  /** Its words on the command line. */
  readonly flags: string;
  /** Seeds of one line in the ledger. */
  readonly chunkSeeds: number;
  /** What it runs, as pathspecs: a change there makes earlier results void. */
  readonly dependsOn: readonly string[];
  /** One run, described in a line. Throws `SimulationFailure`. */
  readonly run: (seed: number) => string | Promise<string>;
}

const KERNEL = ["packages/simulator/src/kernel", "packages/simulator/src/raft/violation.ts"];
const CORE = ["packages/raft-ts/src/core", "packages/base/src/seeded-random.ts"];
const HOSTS = ["base", "log-store", "raft-ts", "raft-host"].map((name) => `packages/${name}/src`);

const core: SimulationLevel = {
  name: "core",
  flags: "",
  chunkSeeds: 1000,
  dependsOn: [...KERNEL, ...CORE, "packages/simulator/src/raft-core"],
  run: (seed) => describeCore(runCoreSimulation({ seed })),
};

function hostLevel(storage: "memory" | "log-store"): SimulationLevel {
  return {
    name: `host ${storage}`,
    flags: ` --level host${storage === "log-store" ? " --log-store" : ""}`,
    chunkSeeds: 50,
    dependsOn: [
      ...KERNEL,
      ...HOSTS,
      "packages/simulator/src/raft",
      "packages/simulator/src/network",
    ],
    run: async (seed) => describeHosts(await runRaftSimulation({ seed, storage })),
  };
}

/** The level that the words of a command line name; throws `RangeError` when they name none. */
export function levelOf(words: readonly string[]): SimulationLevel {
  const position = words.indexOf("--level");
  const isLogStore = words.includes("--log-store");
  const name = position === -1 ? (isLogStore ? "host" : "core") : words[position + 1];
  if (name === "host") return hostLevel(isLogStore ? "log-store" : "memory");
  if (name === "core" && !isLogStore) return core;
  throw new RangeError("--level is core or host, and --log-store goes with host");
}

function describeCore(report: CoreSimulationReport): string {
  const { seed, eventCount, committedCount, configurationCount, term, digest } = report;
  const seconds = (report.simulatedMs / 1000).toFixed(1);
  return (
    `seed ${seed}: ${eventCount} events, ${seconds} s simulated, ${committedCount} committed, ` +
    `${configurationCount} configurations, ${term} terms, ${digest}`
  );
}

function describeHosts(report: RaftSimulationReport): string {
  const { seed, eventCount, committedCount, digest, faults } = report;
  const seconds = (report.simulatedMs / 1000).toFixed(1);
  return (
    `seed ${seed}: ${eventCount} events, ${seconds} s simulated, ${committedCount} committed, ` +
    `${digest} (${faults.join(" ")})`
  );
}
