import {
  type BrokerId,
  brokerId,
  groupNumber,
  machineClock,
  machineRandom,
  machineTimers,
  silentLogger,
} from "@stratalog/base";
import { describe, expect, it } from "vitest";
import { PeerHub } from "../io/peer-hub.ts";
import { RaftHost } from "../io/raft-host.ts";
import type { PeerAddress } from "../ports/peer-link.ts";
import type { RaftGroup } from "../ports/raft-group.ts";
import { RecordingListener, testReplica } from "../testing/host-cluster.ts";
import { MemoryLogStorage } from "../testing/memory-log-storage.ts";
import { testHello } from "../testing/peer-link-contract.ts";
import { plainFrameCodec } from "../testing/plain-frame-codec.ts";
import { TcpPeerLink } from "./tcp-peer-link.ts";

const HOST = "127.0.0.1";
const GROUP = groupNumber(4);
const IDS = [1, 2, 3].map(brokerId);

interface Member {
  readonly hub: PeerHub;
  readonly host: RaftHost;
  readonly group: RaftGroup;
  readonly listener: RecordingListener;
}

async function startMember(self: BrokerId): Promise<Member & { readonly port: number }> {
  const shared = { timers: machineTimers, random: machineRandom, logger: silentLogger };
  const link = new TcpPeerLink({ ...shared, listen: { host: HOST, port: 0 } });
  link.setHello(testHello(self));
  const hub = new PeerHub({ ...shared, self, link });
  const storage = new MemoryLogStorage({ afterSync: (sync) => void machineTimers.after(1, sync) });
  storage.createGroup(GROUP);
  const host = new RaftHost({
    ...shared,
    brokerId: self,
    clock: machineClock,
    storage,
    codec: plainFrameCodec,
    peers: link,
  });
  hub.attach(host);
  const { port } = await hub.start();
  host.start();
  const listener = new RecordingListener();
  const group = host.addGroup({
    group: GROUP,
    replicas: [1, 2, 3].map(testReplica),
    self: testReplica(self),
    appliedIndex: 0,
    listener,
    campaignAtOnce: self === 1,
  });
  return { hub, host, group, listener, port };
}

async function until(condition: () => boolean): Promise<void> {
  const deadlineMs = performance.now() + 15_000;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`timed out: ${condition.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}

describe("RaftHost over TcpPeerLink", () => {
  it("commits, and fails over without waiting for an election timeout", async () => {
    const members = await Promise.all(IDS.map(startMember));
    const addresses = new Map<BrokerId, PeerAddress>();
    for (const [i, { port }] of members.entries()) {
      addresses.set(brokerId(i + 1), { host: HOST, port });
    }
    for (const { hub } of members) hub.setPeers(addresses);
    const [first, second, third] = members;
    if (first === undefined || second === undefined || third === undefined) return;
    expect(members).toHaveLength(3);
    await until(() => first.group.isLeaderReady);
    const payload = new Uint8Array(100_000).fill(7);
    for (let i = 0; i < 50; i++) first.group.propose({ kind: "data", payload, span: 3 });
    await until(() => members.every(({ group }) => group.commitIndex === 51));
    expect(third.listener.frames.at(-1)).toMatchObject({ baseOffset: 147, payload });

    const stops: number[] = [];
    second.hub.listen({ onPeerDown: () => stops.push(performance.now()) });
    await first.host.stop();
    await first.hub.stop();
    await until(() => second.group.isLeaderReady || third.group.isLeaderReady);
    // The election timeout begins at 1,500 ms; evidence needs a fraction of that.
    expect(performance.now() - (stops[0] ?? 0)).toBeLessThan(1200);
    for (const { host, hub } of [second, third]) {
      await host.stop();
      await hub.stop();
    }
  });
});
