/**
 * How long a partition is without a leader, and its writers without acknowledgements, when the
 * broker that leads it goes: `npm run bench:failover -- [--times N] [--kinds kill,pause]
 * [--partitions N] [--interval-ms N]`. Three broker processes, replication factor 3, one producer
 * that sends to every partition all the time. Each round ends the broker that leads most partitions
 * with `kill -9`, or pauses it with SIGSTOP, and brings it back.
 *
 * Standard output has one line of JSON per round and one per kind with medians and spread, times in
 * milliseconds; what happens meanwhile goes to standard error. `leaderMs` is the time until one
 * surviving broker names new leaders for all partitions that were led there, `everywhereMs` until
 * both do; `gapMs` is the longest time without an acknowledgement in each of those partitions, and
 * `otherGapMs` in the worst of the others. `clientStallMs` is how long this program itself stood
 * still, `terms` how many terms passed in a partition until writes went on (1: the first election
 * was the last), `syncMs` what one sync of the survivors' write-ahead logs took: a machine or a disk with
 * other work shows there, and an election takes three syncs one after the other.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { connect } from "@stratalog/client";
import { caughtUp, figureOf } from "../test/failover/caught-up.ts";
import { type Leaders, LeaderWatch } from "../test/failover/leader-watch.ts";
import { PartitionLoad } from "../test/failover/partition-load.ts";
import { spreadOf } from "../test/failover/spread.ts";
import type { BrokerProcess } from "../test/integration/broker-process.ts";
import { ProcessCluster } from "../test/integration/process-cluster.ts";

const MIB = 1024 * 1024;
const TOPIC = "failover";
const VALUE_BYTES = 100;
/** Files as in production: a test's small ones would measure checkpoints. */
const SETTINGS = {
  "wal.file.bytes": 64 * MIB,
  "wal.checkpoint.interval.ms": 30_000,
} as const;
const AGREE_MS_MAX = 30_000;
const LEADER_MS_MAX = 30_000;
const RESUME_MS_MAX = 60_000;
/** Between two rounds, so that nothing of one is seen in the next. */
const CALM_MS = 1_500;

type Kind = "kill" | "pause";

interface Round {
  readonly kind: Kind;
  readonly round: number;
  readonly victim: number;
  readonly ledPartitions: number;
  readonly leaderMs: number;
  readonly everywhereMs: number;
  readonly gapMs: { readonly median: number; readonly max: number };
  readonly otherGapMs: number;
  readonly terms: number;
  readonly clientStallMs: number;
  readonly syncMs: number;
}

/** Syncs of some brokers' write-ahead logs so far. */
interface Syncs {
  readonly count: number;
  readonly seconds: number;
}

interface Bench {
  readonly cluster: ProcessCluster;
  readonly watch: LeaderWatch;
  readonly load: PartitionLoad;
}

/** The broker that leads most partitions, and which those are. */
function chooseVictim(
  cluster: ProcessCluster,
  leaders: Leaders,
): { readonly victim: BrokerProcess; readonly led: readonly number[] } {
  const ledBy = (broker: BrokerProcess): readonly number[] =>
    leaders.flatMap(({ leaderId }, partition) => (leaderId === broker.plan.id ? [partition] : []));
  const [most] = cluster.brokers
    .map((victim) => ({ victim, led: ledBy(victim) }))
    .toSorted((a, b) => b.led.length - a.led.length);
  if (most === undefined) throw new Error("a cluster without brokers");
  return most;
}

async function newLeadersAt(
  bench: Bench,
  survivor: BrokerProcess,
  before: Leaders,
  led: readonly number[],
): Promise<number> {
  const hasMoved = (now: Leaders): boolean =>
    led.every((partition) => {
      const [old, next] = [before[partition], now[partition]];
      if (old === undefined || next?.leaderId === undefined) return false;
      return next.leaderId !== old.leaderId && next.leaderEpoch > old.leaderEpoch;
    });
  const found = await bench.watch.until(survivor, hasMoved, LEADER_MS_MAX);
  if (found === undefined) throw new Error(`no new leaders after ${LEADER_MS_MAX} ms`);
  return performance.now();
}

async function resumed(load: PartitionLoad, sinceMs: number): Promise<void> {
  const endMs = performance.now() + RESUME_MS_MAX;
  while (!load.goesOnSince(sinceMs)) {
    if (performance.now() > endMs) throw new Error(`no writes after ${RESUME_MS_MAX} ms`);
    await delay(5);
  }
}

async function syncsOf(brokers: readonly BrokerProcess[]): Promise<Syncs> {
  const sum = async (name: string): Promise<number> => {
    const figures = await Promise.all(brokers.map((broker) => figureOf(broker, name)));
    return figures.reduce((total: number, figure) => total + (figure ?? 0), 0);
  };
  return { count: await sum("wal_syncs_total"), seconds: await sum("wal_sync_seconds_total") };
}

function meanSyncMs(before: Syncs, after: Syncs): number {
  const count = Math.max(1, after.count - before.count);
  return Math.round(((after.seconds - before.seconds) * 10_000) / count) / 10;
}

async function runRound(bench: Bench, kind: Kind, round: number): Promise<Round> {
  const { cluster, watch, load } = bench;
  const before = await watch.agreement(cluster.brokers, AGREE_MS_MAX);
  const { victim, led } = chooseVictim(cluster, before);
  const survivors = cluster.brokers.filter((broker) => broker !== victim);
  const syncsBefore = await syncsOf(survivors);
  const stall = monitorEventLoopDelay({ resolution: 5 });
  stall.enable();
  load.beginRound();
  const startMs = performance.now();
  victim.signal(kind === "kill" ? "SIGKILL" : "SIGSTOP");
  const movedMs = await Promise.all(
    survivors.map((survivor) => newLeadersAt(bench, survivor, before, led)),
  );
  await resumed(load, startMs);
  const gaps = load.gapsMs();
  const after = await watch.agreement(survivors, AGREE_MS_MAX);
  const termsOf = (partition: number): number =>
    (after[partition]?.leaderEpoch ?? 0) - (before[partition]?.leaderEpoch ?? 0);
  stall.disable();
  const syncMs = meanSyncMs(syncsBefore, await syncsOf(survivors));
  const ledGaps = spreadOf(led.map((partition) => gaps[partition] ?? Number.NaN));
  const otherGaps = gaps.filter((_, partition) => !led.includes(partition));
  if (kind === "kill") {
    await victim.kill();
    await victim.start();
  } else {
    victim.signal("SIGCONT");
  }
  await caughtUp(victim, survivors);
  await delay(CALM_MS);
  return {
    kind,
    round,
    victim: victim.plan.id,
    ledPartitions: led.length,
    leaderMs: Math.round(Math.min(...movedMs) - startMs),
    everywhereMs: Math.round(Math.max(...movedMs) - startMs),
    gapMs: { median: ledGaps.median, max: ledGaps.max },
    otherGapMs: Math.round(Math.max(0, ...otherGaps)),
    terms: Math.max(...led.map(termsOf)),
    clientStallMs: Math.round(stall.max / 1e6),
    syncMs,
  };
}

function summaryOf(kind: Kind, rounds: readonly Round[]): unknown {
  const spread = (read: (round: Round) => number): unknown => spreadOf(rounds.map(read));
  return {
    kind,
    rounds: rounds.length,
    leaderMs: spread(({ leaderMs }) => leaderMs),
    everywhereMs: spread(({ everywhereMs }) => everywhereMs),
    gapMedianMs: spread(({ gapMs }) => gapMs.median),
    gapMaxMs: spread(({ gapMs }) => gapMs.max),
    otherGapMs: spread(({ otherGapMs }) => otherGapMs),
    terms: spread(({ terms }) => terms),
    clientStallMs: spread(({ clientStallMs }) => clientStallMs),
    syncMs: spread(({ syncMs }) => syncMs),
  };
}

function print(line: unknown): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      times: { type: "string", default: "10" },
      kinds: { type: "string", default: "kill,pause" },
      partitions: { type: "string", default: "12" },
      "interval-ms": { type: "string", default: "2" },
    },
  });
  const partitionCount = Number(values.partitions);
  const intervalMs = Number(values["interval-ms"]);
  await using cluster = await ProcessCluster.start({ brokers: 3, settings: SETTINGS });
  await using client = connect({ brokers: cluster.addresses });
  await client
    .admin()
    .createTopic({ name: TOPIC, partitions: partitionCount, replicationFactor: 3 });
  using watch = new LeaderWatch(cluster.brokers, TOPIC);
  await watch.agreement(cluster.brokers, AGREE_MS_MAX);
  const options = { topic: TOPIC, partitionCount, intervalMs, valueBytes: VALUE_BYTES };
  const load = new PartitionLoad(client, options);
  await resumed(load, performance.now());
  await delay(CALM_MS);
  const bench = { cluster, watch, load };
  for (const kind of values.kinds.split(",")) {
    if (kind !== "kill" && kind !== "pause") throw new Error(`--kinds: kill, pause; not ${kind}`);
    const rounds: Round[] = [];
    for (let round = 1; round <= Number(values.times); round++) {
      rounds.push(await runRound(bench, kind, round));
      print(rounds[rounds.length - 1]);
    }
    print({ summary: true, ...(summaryOf(kind, rounds) as object) });
  }
  await load.stop();
  process.stderr.write(`${load.ackedCount.toLocaleString("en")} records acknowledged, none lost\n`);
}

await main();
