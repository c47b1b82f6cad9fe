import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type BrokerId,
  brokerId,
  machineRandom,
  machineTimers,
  silentLogger,
  sleep,
} from "@stratalog/base";
import { type PeerAddress, TcpPeerLink } from "@stratalog/raft-host";
import { MemoryPeerNetwork } from "@stratalog/raft-host/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  type HostingNode,
  ordersImage,
  produceSomewhere,
  startHostingNode,
} from "../testing/hosting-node.ts";

// Replicas over the real log store, Raft host, key-value store and TCP; only the metadata is made
// up.

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "stratalog-hosting-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

describe("replicas of one broker", () => {
  const start = (): Promise<HostingNode> =>
    startHostingNode({
      id: 1,
      directory,
      image: ordersImage(2, [1]),
      link: new MemoryPeerNetwork(machineTimers).link(brokerId(1)),
    });

  it("store, serve and find again after a restart", async () => {
    const before = await start();
    for (const [sequence, value] of ["a", "b", "c"].entries()) {
      const answer = await produceSomewhere([before], 0, { value, sequence });
      expect(answer.baseOffset).toBe(sequence);
    }
    const other = await produceSomewhere([before], 1, { value: "x", sequence: 0 });
    expect(other.baseOffset).toBe(0);
    await before.stop();

    const after = await start();
    const retry = await produceSomewhere([after], 0, { value: "c", sequence: 2 });
    expect(retry).toMatchObject({ baseOffset: 2, duplicate: true });
    const next = await produceSomewhere([after], 0, { value: "d", sequence: 3 });
    expect(next).toMatchObject({ baseOffset: 3, duplicate: false });
    // One answer may end where the segments end and memory begins.
    const replica = after.partition(0);
    const old = await replica.read({ offset: 0, maxBytes: 1_000_000 });
    expect(old).toMatchObject({ nextOffset: 3, highWatermark: 4 });
    const tail = await replica.read({ offset: 3, maxBytes: 1_000_000 });
    expect(tail).toMatchObject({ nextOffset: 4, highWatermark: 4 });
    expect(await replica.listOffset({ timestampMs: 1_002 })).toMatchObject({ offset: 2 });
    // Its own election may end later than the other partition's.
    const again = await produceSomewhere([after], 1, { value: "x", sequence: 0 });
    expect(again).toMatchObject({ baseOffset: 0, duplicate: true });
    expect(await after.partition(1).listOffset("latest")).toMatchObject({ offset: 1 });
    await after.stop();
  });
});

describe("replicas of three brokers", () => {
  it("go on without their leader, and take it back with all it missed", async () => {
    const addresses = await peerAddresses([1, 2, 3]);
    const image = ordersImage(1, [1, 2, 3]);
    const start = (id: number): Promise<HostingNode> => {
      const self = addresses.get(brokerId(id));
      if (self === undefined) throw new Error(`no address of ${id}`);
      const link = new TcpPeerLink({
        listen: self,
        timers: machineTimers,
        random: machineRandom,
        logger: silentLogger,
      });
      const others = [...addresses].filter(([peer]) => peer !== id);
      return startHostingNode({ id, directory, image, link, peers: new Map(others) });
    };
    let nodes = await Promise.all([1, 2, 3].map(start));
    const first = await produceSomewhere(nodes, 0, { value: "a", sequence: 0 });
    expect(first.baseOffset).toBe(0);
    await nodes.find(({ id }) => id === first.leader)?.stop();
    nodes = nodes.filter(({ id }) => id !== first.leader);
    for (let sequence = 1; sequence < 50; sequence++) {
      const answer = await produceSomewhere(nodes, 0, { value: `v${sequence}`, sequence });
      expect(answer.baseOffset).toBe(sequence);
    }
    const back = await start(first.leader);
    nodes = [...nodes, back];
    while (back.partition(0).highWatermark < 50) await sleep(machineTimers, 10);
    const retry = await produceSomewhere(nodes, 0, { value: "v49", sequence: 49 });
    expect(retry).toMatchObject({ baseOffset: 49, duplicate: true });
    await Promise.all(nodes.map((node) => node.stop()));
  });
});

/** Free ports on loopback, one per broker. */
async function peerAddresses(ids: readonly number[]): Promise<ReadonlyMap<BrokerId, PeerAddress>> {
  const addresses = new Map<BrokerId, PeerAddress>();
  const servers = ids.map(() => createServer());
  for (const [index, server] of servers.entries()) {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", () => resolve()));
    const address = server.address();
    if (typeof address !== "object" || address === null) throw new Error("no port");
    addresses.set(brokerId(ids[index] ?? 0), { host: "127.0.0.1", port: address.port });
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return addresses;
}
