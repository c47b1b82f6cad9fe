import type { Random } from "@stratalog/base";
import { SimKernel } from "../kernel/sim-kernel.ts";
import type { SimNode } from "../kernel/sim-node.ts";
import { FaultPlan } from "./fault-plan.ts";
import { LogStoreDisk } from "./log-store-disk.ts";
import { MemoryDisk } from "./memory-disk.ts";
import { RaftCluster } from "./raft-cluster.ts";
import { RaftWorkload } from "./raft-workload.ts";
import type { SimDisk } from "./sim-disk.ts";
import { SimulationFailure } from "./simulation-failure.ts";
import { must } from "./violation.ts";

/** What to simulate. */
export interface RaftSimulationOptions {
  readonly seed: number;
  /**
   * memory: what is durable is known at every moment (default); log-store: the log store that
   * ships.
   */
  readonly storage?: "memory" | "log-store";
  /** A planted fault, to see that the rules notice it. */
  readonly mutant?: "lying-disk";
}

/** What a run did. */
export interface RaftSimulationReport {
  readonly seed: number;
  readonly eventCount: number;
  readonly simulatedMs: number;
  readonly proposedCount: number;
  readonly committedCount: number;
  readonly confirmedCount: number;
  readonly faults: readonly string[];
  /** Equal for equal histories. */
  readonly digest: string;
}

const FAULTS_MS = 12_000;
const PROGRESS_MS = 30_000;
const LOG_CHECK_EVENTS = 400;

/**
 * One cluster under faults from one seed; then the faults end and every group must make progress
 * and agree. Throws {@link SimulationFailure}.
 */
export async function runRaftSimulation(
  options: RaftSimulationOptions,
): Promise<RaftSimulationReport> {
  const kernel = new SimKernel(options.seed);
  try {
    return await simulate(kernel, options);
  } catch (error) {
    throw new SimulationFailure(options.seed, kernel.trace.tail(), error);
  }
}

async function simulate(
  kernel: SimKernel,
  options: RaftSimulationOptions,
): Promise<RaftSimulationReport> {
  const shape = kernel.random.fork("shape");
  const cluster = new RaftCluster(kernel, {
    nodeCount: shape.below(4) === 0 ? 5 : 3,
    groupCount: 1 + shape.below(8),
    disk: drawDisk(shape, options),
  });
  kernel.onEvent = () => {
    if (kernel.eventCount % LOG_CHECK_EVENTS === 0) cluster.checkLogs();
  };
  const faults = new FaultPlan(cluster);
  const workload = new RaftWorkload(cluster);
  for (const member of cluster.members) cluster.boot(member);
  faults.start();
  workload.start();
  await kernel.run(FAULTS_MS);
  faults.stop();
  await checkProgress(cluster, workload);
  cluster.checkLogs();
  let committedCount = 0;
  for (const group of cluster.groups) committedCount += cluster.ledger(group).lastIndex;
  return {
    seed: options.seed,
    eventCount: kernel.eventCount,
    simulatedMs: kernel.monotonicMs(),
    proposedCount: workload.proposedCount,
    committedCount,
    confirmedCount: workload.confirmedCount,
    faults: faults.kinds,
    digest: kernel.trace.digest,
  };
}

function drawDisk(random: Random, options: RaftSimulationOptions): (node: SimNode) => SimDisk {
  const syncMs: readonly [number, number] = random.below(2) === 0 ? [0.1, 2] : [1, 40];
  const isSmall = random.below(2) === 0;
  if (options.storage === "log-store") {
    const sizes = isSmall ? "tiny" : "usual";
    return (node) => new LogStoreDisk(node, { latencyMs: syncMs, sizes });
  }
  const lies = options.mutant === "lying-disk";
  return (node) => new MemoryDisk(node, { syncMs, residentCount: isSmall ? 4 : 1000, lies });
}

/** Every group commits something new, and every replica gets there. */
async function checkProgress(cluster: RaftCluster, workload: RaftWorkload): Promise<void> {
  const { kernel } = cluster;
  for (const group of cluster.groups) {
    const before = cluster.ledger(group).lastIndex;
    const isFresh = (): boolean => cluster.ledger(group).lastIndex > before;
    const hasProgress = await kernel.run(PROGRESS_MS, () => {
      if (!isFresh()) return false;
      const committed = cluster.ledger(group).lastIndex;
      // The workload goes on, so a replica is level when it trails by what is on its way.
      return cluster.members.every(({ replicas }) => {
        const index = replicas.get(group)?.machine.state.index ?? 0;
        return index >= Math.min(before + 1, committed);
      });
    });
    must(hasProgress, `progress: group ${group} stands still although nothing is wrong any more`);
    workload.propose(group);
  }
}
