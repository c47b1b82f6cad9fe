import { connect } from "@stratalog/client";
import { ProcessCluster } from "../../test/integration/process-cluster.ts";
import { CpuMeter } from "../process-cpu.ts";
import { runTask } from "./load-process.ts";
import type { Task, TaskResult } from "./task.ts";

const MIB = 1024 * 1024;
/** Files as in production: a test's small ones would measure checkpoints. */
const SETTINGS = {
  "wal.file.bytes": 64 * MIB,
  "wal.checkpoint.interval.ms": 30_000,
} as const;

/** How much is done in one run. */
export interface Volumes {
  readonly partitions: number;
  readonly sizes: readonly {
    readonly valueBytes: number;
    readonly totalBytes: number;
    /**
     * Before the clock runs. With the first size enough that the write-ahead logs have all their
     * files: these are filled with zeros once and used again and again.
     */
    readonly warmBytes: number;
  }[];
  readonly latencySeconds: number;
}

/** One measured phase of one run. */
export interface PhaseRecord {
  readonly run: number;
  readonly phase: "produce" | "replay" | "latency";
  readonly valueBytes: number;
  readonly result: TaskResult;
  /** Processor time of all brokers meanwhile; undefined for latency. */
  readonly brokersCpuSeconds?: number;
}

const LATENCY_RATE = 1_000;
const LATENCY_VALUE_BYTES = 1_024;

/** One run on a fresh cluster; tells each phase as it ends. */
export async function runOnce(
  run: number,
  volumes: Volumes,
  onPhase: (record: PhaseRecord) => void,
): Promise<void> {
  await using cluster = await ProcessCluster.start({ brokers: 3, settings: SETTINGS });
  const brokers = cluster.addresses;
  await createTopics(brokers, volumes);
  const meter = new CpuMeter(cluster.brokers);
  for (const phase of ["produce", "replay", "latency"] as const) {
    if (phase === "latency") {
      const load = { valueBytes: LATENCY_VALUE_BYTES, recordsPerSecond: LATENCY_RATE };
      const seconds = volumes.latencySeconds;
      const task: Task = { kind: "latency", brokers, topic: "latency", seconds, ...load };
      const result = await runTask(task, () => Promise.resolve());
      onPhase({ run, phase, valueBytes: LATENCY_VALUE_BYTES, result });
      continue;
    }
    for (const size of volumes.sizes) {
      const task: Task = { kind: phase, brokers, topic: `records-${size.valueBytes}`, ...size };
      let before = await meter.read();
      const result = await runTask(task, async () => {
        before = await meter.read();
      });
      const { brokersSeconds } = CpuMeter.between(before, await meter.read());
      const { valueBytes } = size;
      onPhase({ run, phase, valueBytes, result, brokersCpuSeconds: brokersSeconds });
    }
  }
}

async function createTopics(brokers: readonly string[], volumes: Volumes): Promise<void> {
  await using client = connect({ brokers: [...brokers] });
  const sizes = volumes.sizes.map(({ valueBytes }) => valueBytes);
  const names = sizes.flatMap((size) => [`records-${size}`, `warm-${size}`]);
  for (const name of [...names, "latency"]) {
    await client.admin().createTopic({ name, partitions: volumes.partitions });
  }
}
