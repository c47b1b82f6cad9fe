import { SimKernel } from "../kernel/sim-kernel.ts";
import { SimulationFailure } from "../raft/simulation-failure.ts";
import type { DiskMutant } from "./core-disk.ts";
import { CoreGroup } from "./core-group.ts";
import { CoreSettling } from "./core-settling.ts";
import { drawShape } from "./core-shape.ts";
import { CoreTrouble } from "./core-trouble.ts";
import { CoreWork } from "./core-work.ts";

/** What to simulate. */
export interface CoreSimulationOptions {
  readonly seed: number;
  /** A planted fault, to see that the rules notice it. */
  readonly mutant?: DiskMutant;
}

/** What a run did. */
export interface CoreSimulationReport {
  readonly seed: number;
  readonly eventCount: number;
  readonly simulatedMs: number;
  /** How long the group needed to make progress once nothing was wrong any more. */
  readonly settlingMs: number;
  readonly committedCount: number;
  readonly configurationCount: number;
  readonly term: number;
  /** Equal for equal histories. */
  readonly digest: string;
}

/**
 * One group of Raft cores under faults from one seed; then the faults end and it must make
 * progress. Every rule is held against every event. Throws {@link SimulationFailure}.
 */
export function runCoreSimulation(options: CoreSimulationOptions): CoreSimulationReport {
  const kernel = new SimKernel(options.seed);
  try {
    return simulate(kernel, options);
  } catch (error) {
    throw new SimulationFailure(options.seed, kernel.trace.tail(), error);
  }
}

function simulate(kernel: SimKernel, { mutant }: CoreSimulationOptions): CoreSimulationReport {
  const shape = drawShape(kernel.random.fork("shape"));
  const group = new CoreGroup(kernel, shape, mutant);
  const work = new CoreWork(group);
  const trouble = new CoreTrouble(group);
  kernel.note(`shape ${JSON.stringify(shape)}`);
  work.start();
  trouble.start();
  kernel.runSynchronously(shape.faultsMs);
  work.stop();
  trouble.stop();
  const settlingMs = new CoreSettling(group, work).run();
  return {
    seed: kernel.seed,
    eventCount: kernel.eventCount,
    simulatedMs: kernel.monotonicMs(),
    settlingMs,
    committedCount: group.ledger.lastIndex,
    configurationCount: group.ledger.configurationCount,
    term: Math.max(...group.replicas.map(({ raft }) => raft.term)),
    digest: kernel.trace.digest,
  };
}
