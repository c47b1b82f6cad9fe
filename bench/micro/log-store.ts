// Durable appends through the log store's WAL: `npx tsx -C @stratalog/source bench/micro/log-store.ts`.
// Every figure counts a frame only once its sync is over. Runs in a directory of its own under the system's temporary one.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { groupNumber, machineClock, machineTimers, silentLogger } from "@stratalog/base";
import { MemoryKeyValueStore } from "@stratalog/base/testing";
import {
  createFrame,
  type GroupLog,
  type GroupWrite,
  LogStore,
  NodeFileSystem,
} from "@stratalog/log-store";
import { BatchBuilder, patchBaseOffset, patchLeaderEpoch } from "@stratalog/record-batch";

interface Scenario {
  readonly name: string;
  readonly groups: number;
  readonly payloadBytes: number;
  /** Writes under way at once; each appends one frame to `groupsPerWrite` groups. */
  readonly inFlight: number;
  readonly groupsPerWrite: number;
  readonly durationMs: number;
}

const SCENARIOS: readonly Scenario[] = [
  {
    name: "1 group, 64 KiB",
    groups: 1,
    payloadBytes: 65_536,
    inFlight: 16,
    groupsPerWrite: 1,
    durationMs: 4000,
  },
  {
    name: "16 groups, 64 KiB",
    groups: 16,
    payloadBytes: 65_536,
    inFlight: 32,
    groupsPerWrite: 1,
    durationMs: 4000,
  },
  {
    name: "128 groups, 1 KiB",
    groups: 128,
    payloadBytes: 1024,
    inFlight: 8,
    groupsPerWrite: 64,
    durationMs: 4000,
  },
  {
    name: "1,000 groups, 1 KiB",
    groups: 1000,
    payloadBytes: 1024,
    inFlight: 4,
    groupsPerWrite: 500,
    durationMs: 4000,
  },
  {
    name: "1 group, 1 KiB, one at a time",
    groups: 1,
    payloadBytes: 1024,
    inFlight: 1,
    groupsPerWrite: 1,
    durationMs: 2000,
  },
];

function batchOf(payloadBytes: number): Uint8Array {
  const builder = new BatchBuilder();
  builder.append({ key: null, value: new Uint8Array(payloadBytes - 80).fill(7), timestampMs: 1 });
  return builder.build();
}

function nextFrame(log: GroupLog, template: Uint8Array) {
  const payload = template.slice();
  patchBaseOffset(payload, 0, log.nextOffset);
  patchLeaderEpoch(payload, 0, 1);
  const index = log.lastIndex + 1;
  return createFrame({
    kind: "data",
    term: 1,
    index,
    baseOffset: log.nextOffset,
    span: 1,
    payload,
  });
}

async function run(scenario: Scenario): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "strata-bench-"));
  const store = await LogStore.open({
    fileSystem: new NodeFileSystem(),
    keyValue: new MemoryKeyValueStore(),
    clock: machineClock,
    timers: machineTimers,
    logger: silentLogger,
    directory,
    onFatal: (error) => {
      throw error;
    },
  });
  const logs: GroupLog[] = [];
  for (let group = 1; group <= scenario.groups; group++) {
    logs.push(
      await store.createGroup({ group: groupNumber(group), kind: "partition", replicaEpoch: 1 }),
    );
  }
  const template = batchOf(scenario.payloadBytes);
  const startMs = performance.now();
  const startCpu = process.cpuUsage();
  const latencies: number[] = [];
  let frames = 0;
  let turn = 0;
  let waits = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() - startMs < scenario.durationMs) {
      while (store.isOverloaded) {
        waits++;
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const writes: GroupWrite[] = [];
      for (let n = 0; n < scenario.groupsPerWrite; n++) {
        const log = logs[turn++ % logs.length] as GroupLog;
        const hardState = { term: 1, vote: 1, commit: log.lastIndex };
        writes.push({ group: log.descriptor.group, frames: [nextFrame(log, template)], hardState });
      }
      const beganMs = performance.now();
      await new Promise<void>((resolve) => store.write(writes, resolve));
      latencies.push(performance.now() - beganMs);
      frames += writes.length;
    }
  };
  await Promise.all(Array.from({ length: scenario.inFlight }, writer));
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(startCpu);
  const cpuPercent = Math.round((user + system) / 1e4 / seconds);
  const { walSyncs } = store.stats();
  latencies.sort((a, b) => a - b);
  const at = (part: number): string =>
    (latencies[Math.floor(latencies.length * part)] ?? 0).toFixed(2);
  const megabytes = ((frames * scenario.payloadBytes) / 1e6 / seconds).toFixed(0);
  console.info(
    `${scenario.name}: ${megabytes} MB/s, ${Math.round(frames / seconds)} frames/s, ` +
      `${Math.round(walSyncs / seconds)} syncs/s, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ` +
      `${cpuPercent} % of a core, ${waits} waits`,
  );
  await store.close();
  await rm(directory, { recursive: true });
}

for (const scenario of SCENARIOS) await run(scenario);
