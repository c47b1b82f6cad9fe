import { brokerId, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime } from "@stratalog/base/testing";
import type { LogStore } from "@stratalog/log-store";
import { emptyImage, type MetadataImage } from "@stratalog/metadata";
import type { PeerHello } from "@stratalog/raft-host";
import { MemoryPeerNetwork, testHello } from "@stratalog/raft-host/testing";
import { describe, expect, it } from "vitest";
import { loadBrokerConfig } from "../config/load-broker-config.ts";
import { Peers } from "./peers.ts";

const [SELF, OTHER] = [brokerId(1), brokerId(2)];
const DIRECTORY = "0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e0002";
const IDENTITY = { brokerId: SELF, directoryId: "directory", clusterId: undefined };
const BOUND_PORT = 4_711;

/** An image in which broker 2 is registered with its directory. */
function imageWithOther(): MetadataImage {
  const other = { directoryId: DIRECTORY, peerAddress: { host: "127.0.0.1", port: 1 } };
  // Peers look at these two fields of a registration alone.
  return { ...emptyImage(), brokers: new Map([[OTHER, other]]) } as unknown as MetadataImage;
}

function createPeers(flags: readonly string[] = []) {
  const time = new ManualTime();
  const network = new MemoryPeerNetwork(time);
  const link = network.link(SELF);
  const hellos: PeerHello[] = [];
  link.setHello = (hello) => void hellos.push(hello);
  /** What had been said of this broker when it was told whom to dial. */
  const saidBeforeDials: (PeerHello | undefined)[] = [];
  link.setPeers = () => void saidBeforeDials.push(hellos.at(-1));
  const start = link.start.bind(link);
  link.start = async (handler) => ({ ...(await start(handler)), port: BOUND_PORT });
  const environment = {
    steadyTime: { clock: time, timers: time },
    random: new SeededRandom(1),
    logger: silentLogger,
    openPeerLink: () => link,
  };
  const peers = new Peers({
    environment,
    config: loadBrokerConfig({ flags: ["node.id=1", "data.dir=d", ...flags] }),
    logs: {} as LogStore,
    checkHello: ({ clusterId }) => (clusterId === "foreign" ? "another cluster" : undefined),
    onGroupFailed: () => {},
  });
  return { peers, network, hellos, saidBeforeDials };
}

describe("Peers", () => {
  it("take a broker from the data directory that it is registered with, and no other", async () => {
    const { peers, network } = createPeers();
    await peers.start(IDENTITY);
    const handler = network.node(SELF)?.handler;
    const hello = { ...testHello(OTHER), directoryId: DIRECTORY };
    const stranger = { ...hello, directoryId: "0c1f5f0c-53f0-4b59-8d6b-7b0f3a9e0009" };
    // Nobody is registered yet: whoever comes may be about to be.
    expect(handler?.checkHello(stranger)).toBeUndefined();
    peers.follow(imageWithOther());
    expect(handler?.checkHello(hello)).toBeUndefined();
    expect(handler?.checkHello(stranger)).toContain(`registered with data directory ${DIRECTORY}`);
    expect(handler?.checkHello({ ...hello, clusterId: "foreign" })).toBe("another cluster");
    await peers.hub.stop();
  });

  it("say where the others can dial them once they listen, before they dial anybody", async () => {
    const host = "127.0.0.1";
    for (const [flags, address] of [
      [[], { host, port: BOUND_PORT }],
      [["listeners.peer.advertised.host=log-1"], { host: "log-1", port: BOUND_PORT }],
      [["listeners.peer.advertised.port=9999"], { host, port: 9_999 }],
    ] as const) {
      const { peers, hellos, saidBeforeDials } = createPeers(flags);
      expect(await peers.start(IDENTITY)).toBe(BOUND_PORT);
      expect(saidBeforeDials).toEqual([expect.objectContaining({ brokerId: SELF, address })]);
      peers.introduce({ ...IDENTITY, clusterId: "blue" });
      expect(hellos.at(-1)).toMatchObject({ clusterId: "blue", address });
      await peers.hub.stop();
    }
  });
});
