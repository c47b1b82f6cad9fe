/**
 * Brokers that stand still for a moment, under load: `npm run stalls -- [--minutes N] [--stall-ms
 * N] [--every-ms N] [--interval-ms N]`. Three broker processes, 12 partitions of three replicas,
 * one producer that sends 1 KiB records to every partition all the time. Every few seconds the next
 * broker in turn is stopped with SIGSTOP and goes on 200 ms later, as in a long garbage collection.
 * No group may change its leader by that: the exit code is 1 when one did. Says at the end how many
 * campaigns and elections there were, and writes that with the commit to
 * test-results/stalls.jsonl.
 */
import { loadavg } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "@stratalog/client";
import { figureOf } from "../failover/caught-up.ts";
import { type Leaders, LeaderWatch } from "../failover/leader-watch.ts";
import { PartitionLoad } from "../failover/partition-load.ts";
import { spreadOf } from "../failover/spread.ts";
import type { BrokerProcess } from "../integration/broker-process.ts";
import { ProcessCluster } from "../integration/process-cluster.ts";
import { RunLedger } from "../run-ledger/run-ledger.ts";
import { sourcesState } from "../run-ledger/sources-state.ts";
import { repositoryRoot } from "../skips.ts";

const MIB = 1024 * 1024;
const TOPIC = "stalls";
const PARTITION_COUNT = 12;
const VALUE_BYTES = 1_024;
const SETTINGS = {
  "wal.file.bytes": 64 * MIB,
  "wal.checkpoint.interval.ms": 30_000,
  // A long run does not fill the disk.
  "segment.bytes": 16 * MIB,
  "retention.bytes": 32 * MIB,
} as const;
const AGREE_MS_MAX = 30_000;
/** First the load settles: code is compiled, connections are opened. */
const WARM_UP_MS = 3_000;
const SOURCES = ["packages/raft-ts", "packages/raft-host", "packages/log-store", "packages/broker"];

/** What a run was and what came of it. */
interface Entry {
  readonly commit: string;
  readonly minutes: number;
  readonly stallMs: number;
  readonly stallCount: number;
  readonly recordCount: number;
  readonly campaignCount: number;
  readonly electedCount: number;
  readonly movedPartitions: readonly number[];
  /** Longest time without an acknowledgement, over the partitions. */
  readonly gapMs: ReturnType<typeof spreadOf>;
  /** The machine's load at the end: others may have used it too. */
  readonly loadAverage: number;
}

async function sumOf(brokers: readonly BrokerProcess[], name: string): Promise<number> {
  const figures = await Promise.all(brokers.map((broker) => figureOf(broker, name)));
  return figures.reduce((sum: number, figure) => {
    if (figure === undefined) throw new Error(`a broker does not tell its ${name}`);
    return sum + figure;
  }, 0);
}

/** Stops one broker after the other for a moment, until the time is over; gives how often. */
async function stallInTurn(
  brokers: readonly BrokerProcess[],
  options: { readonly endMs: number; readonly stallMs: number; readonly everyMs: number },
): Promise<number> {
  const { endMs, stallMs, everyMs } = options;
  for (let count = 0; ; count++) {
    await delay(everyMs);
    const broker = brokers[count % brokers.length];
    if (performance.now() >= endMs || broker === undefined) return count;
    broker.signal("SIGSTOP");
    await delay(stallMs);
    broker.signal("SIGCONT");
  }
}

function movedBetween(before: Leaders, after: Leaders): readonly number[] {
  return before.flatMap((leader, partition) => {
    return leader.leaderEpoch === after[partition]?.leaderEpoch ? [] : [partition];
  });
}

async function run(options: {
  readonly minutes: number;
  readonly stallMs: number;
  readonly everyMs: number;
  readonly intervalMs: number;
}): Promise<Entry> {
  const { minutes, stallMs, everyMs, intervalMs } = options;
  // As of the start: what runs is what was built then.
  const commit = sourcesState(SOURCES);
  await using cluster = await ProcessCluster.start({ brokers: 3, settings: SETTINGS });
  await using client = connect({ brokers: cluster.addresses });
  const { brokers } = cluster;
  const topic = { name: TOPIC, partitions: PARTITION_COUNT, replicationFactor: 3 };
  await client.admin().createTopic(topic);
  using watch = new LeaderWatch(brokers, TOPIC);
  await watch.agreement(brokers, AGREE_MS_MAX);
  const plan = { topic: TOPIC, partitionCount: PARTITION_COUNT, intervalMs };
  const load = new PartitionLoad(client, { ...plan, valueBytes: VALUE_BYTES });
  await delay(WARM_UP_MS);
  const before = await watch.agreement(brokers, AGREE_MS_MAX);
  const [campaigns, elected] = ["raft_campaigns_total", "raft_elected_total"] as const;
  const counts = [await sumOf(brokers, campaigns), await sumOf(brokers, elected)] as const;
  const ackedBefore = load.ackedCount;
  load.beginRound();
  const endMs = performance.now() + minutes * 60_000;
  const stallCount = await stallInTurn(brokers, { endMs, stallMs, everyMs });
  const gapMs = spreadOf(load.gapsMs());
  const recordCount = load.ackedCount - ackedBefore;
  const after = await watch.agreement(brokers, AGREE_MS_MAX);
  const entry: Entry = {
    commit,
    minutes,
    stallMs,
    stallCount,
    recordCount,
    campaignCount: (await sumOf(brokers, campaigns)) - counts[0],
    electedCount: (await sumOf(brokers, elected)) - counts[1],
    movedPartitions: movedBetween(before, after),
    gapMs,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 10) / 10,
  };
  await load.stop();
  return entry;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: "string", default: "10" },
      "stall-ms": { type: "string", default: "200" },
      "every-ms": { type: "string", default: "3000" },
      "interval-ms": { type: "string", default: "1" },
    },
  });
  const entry = await run({
    minutes: Number(values.minutes),
    stallMs: Number(values["stall-ms"]),
    everyMs: Number(values["every-ms"]),
    intervalMs: Number(values["interval-ms"]),
  });
  new RunLedger<Entry>(join(repositoryRoot, "test-results", "stalls.jsonl")).append(entry);
  process.stdout.write(`${JSON.stringify(entry)}\n`);
  if (entry.electedCount > 0 || entry.movedPartitions.length > 0) process.exitCode = 1;
}

await main();
