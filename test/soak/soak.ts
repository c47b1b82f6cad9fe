import { setTimeout as delay } from "node:timers/promises";
import { connect, type Stratalog } from "@stratalog/client";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { settled } from "../integration/settled.ts";
import { type BrokerFigures, figuresOf } from "./broker-figures.ts";
import { isFlat, type MemorySample, type MemoryTrend, memoryTrend } from "./memory-slope.ts";
import { StalledFetchers } from "./stalled-fetchers.ts";
import { SteadyLoad } from "./steady-load.ts";

const TOPIC = "soak";
const PARTITION_COUNT = 6;
/** Broker that is killed after the start and stays down. */
const DOWN = 3;
const MIB = 1024 * 1024;
/** Records that retention may take between two looks. */
const RETENTION_MARGIN = 4_000;
const PREFILL_ROUNDS = 40;
const PREFILL_BURST = 1_000;
const ANSWERED_SHARE_MIN = 0.9;

/** How to soak. */
export interface SoakOptions {
  readonly minutes: number;
  readonly intervalSeconds: number;
  readonly stalledCount: number;
  readonly recordsPerSecond: number;
  readonly valueBytes: number;
}

/** One line of the run. */
export interface SoakSample {
  readonly minutes: number;
  readonly acknowledged: number;
  readonly read: number;
  readonly lagRecords: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly stalledOpen: number;
  readonly stalledEnded: number;
  /** Leader changes since the cluster had settled without the broker that is down. */
  readonly elections: number;
  readonly brokers: readonly BrokerFigures[];
  readonly clientMiB: number;
}

/** What a run found. */
export interface SoakVerdict {
  readonly passed: boolean;
  readonly problems: readonly string[];
  readonly minutes: number;
  readonly warmUpMinutes: number;
  readonly elections: number;
  readonly acknowledged: number;
  readonly maxLagRecords: number;
  readonly memory: Readonly<Record<string, MemoryTrend>>;
}

/**
 * Three brokers, one of them killed; an even load in and out; consume streams that never read.
 * Calls back with each sample. Elections count from when the two brokers that are left have led
 * everything for a while.
 */
export async function soak(
  options: SoakOptions,
  onSample: (sample: SoakSample) => void,
): Promise<SoakVerdict> {
  // Retention keeps the disk bounded; small segments make it work all the time.
  const settings = {
    "wal.file.bytes": 16 * MIB,
    "segment.bytes": 4 * MIB,
    "retention.bytes": 32 * MIB,
  };
  await using cluster = await ProcessCluster.start({ brokers: 3, settings });
  await using client = connect({ brokers: cluster.addresses });
  await client.admin().createTopic({
    name: TOPIC,
    partitions: PARTITION_COUNT,
    replicationFactor: 3,
  });
  await prefill(client, options.valueBytes);
  await settled(cluster);
  await cluster.broker(DOWN).kill();
  const samples = await sampled(cluster, client, options, onSample);
  return verdictOf(samples, options);
}

/** Enough that a stalled stream has more to get than any window holds. */
async function prefill(client: Stratalog, valueBytes: number): Promise<void> {
  await using producer = client.producer();
  const value = "prefill ".repeat(Math.ceil(valueBytes / 8));
  for (let round = 0; round < PREFILL_ROUNDS; round++) {
    const sends = Array.from({ length: PREFILL_BURST }, (_, index) =>
      producer.send({ topic: TOPIC, key: `key-${index}`, value }),
    );
    await Promise.all(sends);
  }
}

/** Where each partition begins, and a little more: retention goes on between two looks. */
async function logStarts(client: Stratalog): Promise<Map<number, number>> {
  const found = await client.admin().listOffsets({ topic: TOPIC, at: "earliest" });
  return new Map(
    found.map(({ partition, offset }) => {
      const start = Number(offset);
      return [partition, start === 0 ? 0 : start + RETENTION_MARGIN];
    }),
  );
}

async function sampled(
  cluster: ProcessCluster,
  client: Stratalog,
  options: SoakOptions,
  onSample: (sample: SoakSample) => void,
): Promise<readonly SoakSample[]> {
  const living = cluster.brokers.filter((broker) => broker.isRunning);
  const { recordsPerSecond, valueBytes, stalledCount } = options;
  const load = new SteadyLoad(client, {
    topic: TOPIC,
    group: "soak",
    recordsPerSecond,
    valueBytes,
    presentCount: PREFILL_ROUNDS * PREFILL_BURST,
  });
  const addresses = living.map((broker) => broker.address);
  const starts = await logStarts(client);
  const stalled = new StalledFetchers({
    addresses,
    topic: TOPIC,
    partitionCount: PARTITION_COUNT,
    count: stalledCount,
    startOf: (partition) => starts.get(partition) ?? 0,
  });
  const samples: SoakSample[] = [];
  const startMs = performance.now();
  let settledChanges: number | undefined;
  try {
    for (let minutes = 0; minutes < options.minutes; ) {
      await delay(options.intervalSeconds * 1_000);
      minutes = (performance.now() - startMs) / 60_000;
      const found = await Promise.all(living.map((broker) => figuresOf(broker)));
      const brokers = found.filter((figures) => figures !== undefined);
      const changes = brokers.reduce((sum, each) => sum + each.leaderChangeCount, 0);
      settledChanges ??= changes;
      const sample: SoakSample = {
        minutes: Math.round(minutes * 100) / 100,
        acknowledged: load.acknowledgedCount,
        read: load.readCount,
        lagRecords: load.lagRecords,
        failures: Object.fromEntries(load.failures),
        stalledOpen: stalled.openCount,
        stalledEnded: stalled.endedCount,
        elections: changes - settledChanges,
        brokers,
        clientMiB: Math.round(process.memoryUsage.rss() / MIB),
      };
      samples.push(sample);
      onSample(sample);
      for (const [partition, start] of await logStarts(client)) starts.set(partition, start);
      const gone = living.filter((broker) => !broker.isRunning);
      if (gone.length > 0) break;
    }
  } finally {
    stalled.close();
    await load.stop();
  }
  return samples;
}

/** Judges the samples after the first quarter, ten minutes at most: heaps and caches grow first. */
export function verdictOf(samples: readonly SoakSample[], options: SoakOptions): SoakVerdict {
  const last = samples.at(-1);
  const warmUpMinutes = Math.min(10, options.minutes / 4);
  const settledSamples = samples.filter((sample) => sample.minutes >= warmUpMinutes);
  const problems: string[] = [];
  const memory: Record<string, MemoryTrend> = {};
  for (const broker of [1, 2]) {
    const own = settledSamples.flatMap((sample): readonly MemorySample[] =>
      sample.brokers
        .filter((figures) => figures.broker === broker)
        .map(({ residentMiB }) => ({ minutes: sample.minutes, residentMiB })),
    );
    const trend = memoryTrend(own);
    memory[`broker ${broker}`] = trend;
    if (!isFlat(trend)) problems.push(`the memory of broker ${broker} grows: ${trend.mibPerHour}`);
    // The page has a second to answer in; on a busy machine it may miss that now and then.
    if (own.length < settledSamples.length * ANSWERED_SHARE_MIN) {
      problems.push(`broker ${broker} answered ${own.length} of ${settledSamples.length} times`);
    }
  }
  const elections = last?.elections ?? 0;
  if (elections > 0) problems.push(`${elections} elections`);
  if ((last?.minutes ?? 0) < options.minutes) problems.push("a broker ended before its time");
  if ((last?.acknowledged ?? 0) === 0) problems.push("nothing was acknowledged");
  if ((last?.lagRecords ?? 0) > 10 * options.recordsPerSecond) problems.push("the reader lags");
  return {
    passed: problems.length === 0,
    problems,
    minutes: last?.minutes ?? 0,
    warmUpMinutes,
    elections,
    acknowledged: last?.acknowledged ?? 0,
    maxLagRecords: Math.max(0, ...settledSamples.map((sample) => sample.lagRecords)),
    memory,
  };
}
