import { parseArgs } from "node:util";
import { connect, type Stratalog } from "@stratalog/client";
import { ProcessCluster } from "../test/integration/process-cluster.ts";
import { type CpuReading, CpuMeter } from "./process-cpu.ts";

const PARTITION_COUNT = 6;
const KEY_COUNT = 10_000;
const MIB = 1024 * 1024;
const LATENCY_COUNT = 300;
/** Files as in production: a test's small ones would measure checkpoints. */
const SETTINGS = {
  "wal.file.bytes": 64 * MIB,
  "wal.checkpoint.interval.ms": 30_000,
} as const;

/** One size of record and how much of it is sent. */
interface Workload {
  readonly topic: string;
  readonly valueBytes: number;
  readonly totalBytes: number;
}

/** What one phase did. */
interface Phase {
  readonly recordCount: number;
  readonly payloadBytes: number;
  readonly elapsedMs: number;
  readonly cpu: CpuReading;
}

/** Sends a workload and resolves once all of it is acknowledged. */
async function produce(client: Stratalog, workload: Workload): Promise<number> {
  const { topic, valueBytes, totalBytes } = workload;
  const recordCount = Math.ceil(totalBytes / valueBytes);
  const value = new Uint8Array(valueBytes).map((_, position) => (position * 31) & 0xff);
  const keys = Array.from({ length: KEY_COUNT }, (_, number) => `key-${number}`);
  await using producer = client.producer();
  for (let sent = 0; sent < recordCount; sent++) {
    const room = producer.enqueue({ topic, key: keys[sent % KEY_COUNT], value });
    if (room !== undefined) await room;
  }
  await producer.flush();
  return recordCount;
}

async function replay(client: Stratalog, { topic }: Workload): Promise<number> {
  let count = 0;
  for await (const _record of client.replay({ topic })) count++;
  return count;
}

/** Milliseconds until the acknowledgement, ascending, with one record in flight. */
async function acknowledgements(client: Stratalog, topic: string): Promise<readonly number[]> {
  await using producer = client.producer();
  const value = new Uint8Array(1024);
  const latencies: number[] = [];
  for (let sent = 0; sent < LATENCY_COUNT; sent++) {
    const startMs = performance.now();
    await producer.send({ topic, key: `key-${sent}`, value });
    latencies.push(performance.now() - startMs);
  }
  return latencies.toSorted((a, b) => a - b);
}

function percentile(ascending: readonly number[], share: number): string {
  return (ascending[Math.floor(ascending.length * share)] ?? Number.NaN).toFixed(2);
}

function report(name: string, { recordCount, payloadBytes, elapsedMs, cpu }: Phase): void {
  const seconds = elapsedMs / 1000;
  const per100Mb = 100_000_000 / payloadBytes;
  const columns = [
    name.padEnd(16),
    `${Math.round(recordCount / seconds).toLocaleString("en")} records/s`.padStart(20),
    `${(payloadBytes / 1e6 / seconds).toFixed(1)} MB/s`.padStart(12),
    `CPU s per 100 MB: brokers ${(cpu.brokersSeconds * per100Mb).toFixed(2)}`,
    `client ${(cpu.clientSeconds * per100Mb).toFixed(2)}`,
  ];
  process.stdout.write(`${columns.join("  ")}\n`);
}

async function run(workloads: readonly Workload[], partitionCount: number): Promise<void> {
  await using cluster = await ProcessCluster.start({ brokers: 3, settings: SETTINGS });
  await using client = connect({ brokers: cluster.addresses });
  const meter = new CpuMeter(cluster.brokers);
  const measure = async (
    name: string,
    workload: Workload,
    work: (client: Stratalog, workload: Workload) => Promise<number>,
  ): Promise<void> => {
    const before = await meter.read();
    const startMs = performance.now();
    const recordCount = await work(client, workload);
    const elapsedMs = performance.now() - startMs;
    const cpu = CpuMeter.between(before, await meter.read());
    const payloadBytes = recordCount * workload.valueBytes;
    report(`${name} ${workload.valueBytes} B`, { recordCount, payloadBytes, elapsedMs, cpu });
  };
  for (const { topic } of workloads) {
    await client.admin().createTopic({ name: topic, partitions: partitionCount });
  }
  const [first] = workloads;
  if (first === undefined) return;
  // The first calls compile code and open connections.
  await produce(client, { ...first, totalBytes: MIB });
  const latencies = await acknowledgements(client, first.topic);
  for (const workload of workloads) await measure("produce", workload, produce);
  for (const workload of workloads) await measure("replay", workload, replay);
  process.stdout.write(
    `acknowledgement, one 1 KiB record in flight: p50 ${percentile(latencies, 0.5)} ms, ` +
      `p99 ${percentile(latencies, 0.99)} ms\n`,
  );
}

const { values: options } = parseArgs({
  options: {
    megabytes: { type: "string", default: "96" },
    partitions: { type: "string", default: String(PARTITION_COUNT) },
  },
});
const totalBytes = Number(options.megabytes) * MIB;
await run(
  [
    { topic: "records-1024", valueBytes: 1024, totalBytes },
    { topic: "records-100", valueBytes: 100, totalBytes: totalBytes / 3 },
  ],
  Number(options.partitions),
);
