import { type BrokerId, brokerId, present } from "@stratalog/base";
import {
  peerLinkContract,
  type PeerLinkRig,
  RecordingPeerHandler,
  testHello,
} from "@stratalog/raft-host/testing";
import { describe, expect, it } from "vitest";
import { SimKernel } from "../kernel/sim-kernel.ts";
import { SimNode } from "../kernel/sim-node.ts";
import { SimNetwork } from "./sim-network.ts";
import { SimPeerLink } from "./sim-peer-link.ts";

const IDS = [brokerId(1), brokerId(2)];

class SimRig implements PeerLinkRig {
  readonly kernel: SimKernel;
  readonly network: SimNetwork;
  readonly #nodes = new Map<BrokerId, SimNode>();
  readonly #links = new Map<BrokerId, SimPeerLink>();

  constructor(seed: number) {
    this.kernel = new SimKernel(seed);
    this.network = new SimNetwork(this.kernel);
  }

  link(broker: BrokerId): SimPeerLink {
    return present(this.#links.get(broker), "link");
  }

  async start(broker: BrokerId, handler: RecordingPeerHandler): Promise<void> {
    const node = this.#nodes.get(broker) ?? new SimNode(this.kernel, broker);
    this.#nodes.set(broker, node);
    node.boot();
    const link = new SimPeerLink(this.network, node);
    this.#links.set(broker, link);
    link.setHello(testHello(broker, `life-${node.life}`));
    link.setPeers(new Map(IDS.map((id) => [id, { host: "sim", port: id }])));
    await link.start(handler);
  }

  async crash(broker: BrokerId): Promise<void> {
    present(this.#nodes.get(broker), "node").crash();
    await this.link(broker).stop();
  }

  async until(condition: () => boolean): Promise<void> {
    if (!(await this.kernel.run(10_000, condition))) throw new Error("not within ten seconds");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

describe("SimPeerLink fits the contract of a peer link:", () => {
  for (const seed of [1, 2, 3]) {
    for (const claim of peerLinkContract(() => new SimRig(seed))) {
      it(`${claim.name} (seed ${seed})`, () => claim.run());
    }
  }
});

describe("SimNetwork", () => {
  it("holds messages of a cut path back until it heals, and gives up after silence", async () => {
    const rig = new SimRig(4);
    const [first, second] = [new RecordingPeerHandler(), new RecordingPeerHandler()];
    const [one, two] = [brokerId(1), brokerId(2)];
    await rig.start(one, first);
    await rig.start(two, second);
    await rig.until(() => rig.link(one).isUp(two) && rig.link(two).isUp(one));
    rig.network.cut(1, 2);
    rig.link(one).send(two, "bulk", 1, [new Uint8Array([1])]);
    await rig.kernel.run(1000);
    expect(second.messages("bulk")).toEqual([]);
    rig.network.heal();
    await rig.kernel.run(100);
    expect(second.messages("bulk")).toEqual([new Uint8Array([1])]);
    rig.network.cut(1, 2);
    await rig.kernel.run(4000);
    expect(first.downReasons()).toContain("silent");
    expect(rig.link(one).isUp(two)).toBe(false);
    rig.network.heal();
    await rig.until(() => rig.link(one).isUp(two) && rig.link(two).isUp(one));
  });
});
