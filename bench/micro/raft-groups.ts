/**
 * Three Raft hosts in this process, joined by TCP peer links, on a storage in memory: what idle
 * groups cost, and how many proposals commit.
 * `npx tsx -C @stratalog/source --expose-gc bench/micro/raft-groups.ts [groups]`
 */
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
import {
  type Frame,
  type PeerAddress,
  PeerHub,
  type RaftGroup,
  RaftHost,
  TcpPeerLink,
} from "@stratalog/raft-host";
import { MemoryLogStorage, testHello } from "@stratalog/raft-host/testing";

const HOST = "127.0.0.1";
const IDS = [1, 2, 3].map(brokerId);
const groupCount = Number(process.argv[2] ?? 1000);
const IDLE_MS = 5000;
const RUN_MS = 4000;

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
const replica = (broker: BrokerId): number =>
  replicaNumber({ brokerId: broker, replicaEpoch: 0 as ReplicaEpoch });

interface Member {
  readonly host: RaftHost;
  readonly hub: PeerHub;
  readonly storage: MemoryLogStorage;
  readonly groups: RaftGroup[];
}

let committed = 0;

async function startMembers(): Promise<Member[]> {
  const addresses = new Map<BrokerId, PeerAddress>();
  const members: Member[] = [];
  for (const self of IDS) {
    const shared = { timers: machineTimers, random: machineRandom, logger: silentLogger };
    const link = new TcpPeerLink({ ...shared, listen: { host: HOST, port: 0 } });
    const hub = new PeerHub({ self, link, timers: machineTimers, logger: silentLogger });
    // A sync of one millisecond, group commit included.
    const storage = new MemoryLogStorage({ afterSync: (sync) => void setTimeout(sync, 1) });
    const clock = machineClock;
    const host = new RaftHost({
      ...shared,
      brokerId: self,
      clock,
      storage,
      codec: frameCodec,
      peers: link,
    });
    hub.attach(host);
    link.setHello(testHello(self));
    const { port } = await hub.start();
    addresses.set(self, { host: HOST, port });
    host.start();
    members.push({ host, hub, storage, groups: [] });
  }
  for (const { hub } of members) hub.setPeers(addresses);
  return members;
}

function addGroups(members: readonly Member[]): void {
  for (let number = 0; number < groupCount; number++) {
    const group = groupNumber(number);
    for (const [position, { host, storage, groups }] of members.entries()) {
      storage.createGroup(group);
      const isFirst = number % IDS.length === position;
      const listener = {
        onCommitted(frames: readonly Frame[]): void {
          if (position === 0) for (const { kind } of frames) if (kind === "command") committed++;
        },
        onRole(): void {},
      };
      const self = replica(IDS[position] ?? brokerId(1));
      const replicas = IDS.map(replica);
      const added = { group, replicas, self, appliedIndex: 0, listener, campaignAtOnce: isFirst };
      groups.push(host.addGroup(added));
    }
  }
}

const leaders = (members: readonly Member[]): RaftGroup[] =>
  members.flatMap(({ groups }) => groups.filter((group) => group.isLeaderReady));

async function main(): Promise<void> {
  const members = await startMembers();
  await pause(300);
  globalThis.gc?.();
  const heapBefore = process.memoryUsage().heapUsed;
  const startMs = performance.now();
  addGroups(members);
  while (leaders(members).length < groupCount) await pause(20);
  const formedMs = performance.now() - startMs;
  await pause(1000);
  globalThis.gc?.();
  const heapBytes = process.memoryUsage().heapUsed - heapBefore;
  const cpu = process.cpuUsage();
  const idleStartMs = performance.now();
  await pause(IDLE_MS);
  const used = process.cpuUsage(cpu);
  const share = (used.user + used.system) / 1000 / (performance.now() - idleStartMs);
  console.log(`${groupCount} groups on 3 hosts, led after ${formedMs.toFixed(0)} ms`);
  console.log(`idle: ${((share / 3) * 100).toFixed(1)} % of a core per host`);
  console.log(`heap: ${(heapBytes / 3 / groupCount / 1024).toFixed(1)} KiB per replica`);
  for (const payloadBytes of [100, 65_536]) await propose(leaders(members), payloadBytes);
  process.exit(0);
}

/** Keeps a few proposals open in every group of up to 64. */
async function propose(groups: readonly RaftGroup[], payloadBytes: number): Promise<void> {
  const payload = new Uint8Array(payloadBytes);
  const before = committed;
  const startMs = performance.now();
  let isOver = false;
  const turn = (): void => {
    if (isOver) return;
    for (const group of groups.slice(0, 64)) {
      if (group.lastIndex - group.commitIndex < 4) {
        group.propose({ kind: "command", payload, span: 0 });
      }
    }
    setImmediate(turn);
  };
  turn();
  await pause(RUN_MS);
  isOver = true;
  const seconds = (performance.now() - startMs) / 1000;
  const count = committed - before;
  const perSecond = Math.round(count / seconds).toLocaleString("en");
  const megabytes = ((count * payloadBytes) / seconds / 1e6).toFixed(1);
  console.log(`${payloadBytes} B proposals: ${perSecond}/s, ${megabytes} MB/s`);
  await pause(500);
}

await main();
