import { brokerId, type ClusterId, SeededRandom, silentLogger } from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore } from "@stratalog/base/testing";
import { FakeRaftCluster, type FakeRaftGroup } from "@stratalog/state-machine/testing";
import { ControllerNode } from "../controller-node.ts";
import { FakeCallNetwork } from "./fake-call-network.ts";

export const CLUSTER_ID = "00000000-0000-4000-8000-0000000000c1" as ClusterId;

/** One broker of a {@link ControllerCluster}. */
export interface ControllerBroker {
  readonly id: number;
  readonly node: ControllerNode;
  readonly group: FakeRaftGroup | undefined;
  readonly store: MemoryKeyValueStore;
}

/**
 * Brokers of one process whose controller's elections the test decides; commits take two
 * milliseconds.
 */
export class ControllerCluster {
  readonly time = new ManualTime();
  readonly network = new FakeCallNetwork(this.time);
  readonly raft = new FakeRaftCluster(this.time, { commitMs: 2 });
  readonly fatal: Error[] = [];
  readonly #voters: readonly number[];

  constructor(voters: readonly number[]) {
    this.#voters = voters;
  }

  async start(id: number, store = new MemoryKeyValueStore()): Promise<ControllerBroker> {
    const isVoter = this.#voters.includes(id);
    const node = await ControllerNode.open({
      brokerId: brokerId(id),
      clusterId: CLUSTER_ID,
      voters: this.#voters.map(brokerId),
      ...(isVoter ? { log: { dropPrefix: () => {}, segmentBytes: 0 } } : {}),
      store,
      calls: this.network.calls(brokerId(id)),
      clock: this.time,
      timers: this.time,
      random: new SeededRandom(id),
      logger: silentLogger,
      liveness: { heartbeatIntervalMs: 2_000, sessionTimeoutMs: 9_000 },
      onFatal: (error) => this.fatal.push(error),
    });
    let group: FakeRaftGroup | undefined;
    if (node.replica !== undefined) {
      // The replica's number is its broker's: the first controllers have replica epoch 0.
      const { listener, appliedIndex } = node.replica;
      group = this.raft.join(id, listener as never, appliedIndex);
      node.replica.attach(group);
      this.raft.deliver(group);
    }
    node.start();
    return { id, node, group, store };
  }

  elect(broker: ControllerBroker): void {
    if (broker.group === undefined) throw new Error(`broker ${broker.id} does not vote`);
    this.raft.elect(broker.group);
  }

  register(broker: ControllerBroker, life = 1, directory = broker.id): Promise<void> {
    const uuid = (number: number): string => {
      return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
    };
    return broker.node.register({
      clusterId: CLUSTER_ID,
      brokerId: brokerId(broker.id),
      directoryId: uuid(directory) as never,
      incarnation: uuid(broker.id * 1_000 + life),
      clientListeners: [{ name: "client", host: "127.0.0.1", port: 9_095 + broker.id }],
      peerAddress: { host: "127.0.0.1", port: 9_093 + broker.id },
    });
  }
}
