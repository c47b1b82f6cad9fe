/**
 * What idle Raft groups cost: three hosts in this process, joined by TCP on loopback, with real
 * timers and the default heartbeat, on a storage in memory.
 * `npm run bench:idle-groups [-- --groups N] [--seconds N]`; needs --expose-gc for the heap.
 * Ends with 1 when a host takes more than 5 % of a core or 20 KB of heap per group.
 */
import { parseArgs } from "node:util";
import {
  type BrokerId,
  brokerId,
  groupNumber,
  machineClock,
  machineRandom,
  machineTimers,
  type ReplicaEpoch,
  replicaNumber,
  silentLogger,
} from "@stratalog/base";
import { frameCodec } from "@stratalog/log-store";
import { type PeerAddress, PeerHub, RaftHost, TcpPeerLink } from "@stratalog/raft-host";
import { MemoryLogStorage, testHello } from "@stratalog/raft-host/testing";

const LOOPBACK = "127.0.0.1";
const IDS = [1, 2, 3].map(brokerId);
const CPU_SHARE_MAX = 0.05;
const HEAP_BYTES_MAX = 20_000;
/** Long enough for the last commit hints to be stored and for all groups to rest. */
const SETTLE_MS = 4000;
const FORM_MS_MAX = 60_000;

interface Member {
  readonly host: RaftHost;
  readonly hub: PeerHub;
  readonly storage: MemoryLogStorage;
}

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const replica = (broker: BrokerId): number =>
  replicaNumber({ brokerId: broker, replicaEpoch: 0 as ReplicaEpoch });

async function startMembers(): Promise<readonly Member[]> {
  const addresses = new Map<BrokerId, PeerAddress>();
  const members: Member[] = [];
  for (const self of IDS) {
    const shared = { timers: machineTimers, random: machineRandom, logger: silentLogger };
    const link = new TcpPeerLink({ ...shared, listen: { host: LOOPBACK, port: 0 } });
    const hub = new PeerHub({ self, link, timers: machineTimers, logger: silentLogger });
    const storage = new MemoryLogStorage({ afterSync: (sync) => void setTimeout(sync, 1) });
    const host = new RaftHost({
      ...shared,
      brokerId: self,
      clock: machineClock,
      storage,
      codec: frameCodec,
      peers: link,
    });
    hub.attach(host);
    link.setHello(testHello(self));
    const { port } = await hub.start();
    addresses.set(self, { host: LOOPBACK, port });
    host.start();
    members.push({ host, hub, storage });
  }
  for (const { hub } of members) hub.setPeers(addresses);
  return members;
}

/** Adds `count` groups to all hosts; each host is preferred for a third of them. */
async function addGroups(members: readonly Member[], count: number): Promise<void> {
  const replicas = IDS.map(replica);
  const listener = { onCommitted(): void {}, onRole(): void {} };
  for (let number = 0; number < count; number++) {
    const group = groupNumber(number);
    for (const [position, { host, storage }] of members.entries()) {
      storage.createGroup(group);
      const campaignAtOnce = number % IDS.length === position;
      const self = replica(IDS[position] ?? brokerId(1));
      host.addGroup({ group, replicas, self, appliedIndex: 0, listener, campaignAtOnce });
    }
    if (number % 100 === 99) await pause(5);
  }
}

const ledCount = (members: readonly Member[]): number =>
  members.reduce((sum, { host }) => sum + host.stats().leaderCount, 0);

function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      groups: { type: "string", default: "5000" },
      seconds: { type: "string", default: "10" },
    },
  });
  const count = Number(values.groups);
  const members = await startMembers();
  await pause(300);
  const heapBefore = heapBytes();
  const startMs = performance.now();
  await addGroups(members, count);
  while (ledCount(members) < count) {
    if (performance.now() - startMs > FORM_MS_MAX) throw new Error("not all groups have a leader");
    await pause(20);
  }
  const formedMs = performance.now() - startMs;
  await pause(SETTLE_MS);
  const heapPerGroup = (heapBytes() - heapBefore) / members.length / count;
  const resting = members.map(({ host }) => host.stats().restingCount);
  const cpu = process.cpuUsage();
  const idleStartMs = performance.now();
  await pause(Number(values.seconds) * 1000);
  const used = process.cpuUsage(cpu);
  const elapsedMs = performance.now() - idleStartMs;
  const share = (used.user + used.system) / 1000 / elapsedMs / members.length;
  console.log(`${count} groups on ${members.length} hosts, led after ${formedMs.toFixed(0)} ms`);
  console.log(`resting: ${resting.join(", ")}; still led: ${ledCount(members)}`);
  console.log(`idle: ${(share * 100).toFixed(2)} % of a core per host (at most 5 %)`);
  console.log(`heap: ${Math.round(heapPerGroup)} bytes per group and host (at most 20,000)`);
  const hasHeap = globalThis.gc !== undefined;
  if (!hasHeap) console.log("the heap was not collected: start with --expose-gc");
  const isWithin = share <= CPU_SHARE_MAX && heapPerGroup <= HEAP_BYTES_MAX;
  process.exit(isWithin && hasHeap ? 0 : 1);
}

await main();
