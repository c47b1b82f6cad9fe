import {
  type BrokerId,
  brokerId,
  type GroupNumber,
  present,
  replicaIdentity,
  replicaNumber,
  SeededRandom,
  silentLogger,
  type TopicId,
} from "@stratalog/base";
import { ManualTime, MemoryKeyValueStore, settle } from "@stratalog/base/testing";
import { GROUPS_TOPIC } from "@stratalog/groups";
import { type ControllerCommand, emptyImage, handle, replayAll } from "@stratalog/metadata";
import { FakeRaftCluster, type FakeRaftGroup } from "@stratalog/state-machine/testing";
import type { ControllerClient } from "../../controller/controller-client.ts";
import { MetadataView } from "../../controller/metadata-view.ts";
import type { HostedReplica } from "../../replicas/hosting.ts";
import { GroupCoordinators } from "../group-coordinators.ts";

/** How long groups that nobody uses are kept. */
export const OFFSETS_RETENTION_MS = 3_600_000;

const CLUSTER_ID = "00000000-0000-4000-8000-0000000000c1" as never;

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** A broker of a {@link CoordinatorCluster}. */
export interface CoordinatorBroker {
  readonly id: BrokerId;
  readonly coordinators: GroupCoordinators;
  readonly store: MemoryKeyValueStore;
  readonly hosted: Map<
    GroupNumber,
    { readonly replica: HostedReplica; readonly raft: FakeRaftGroup }
  >;
}

/**
 * Brokers that host the groups' topic, over Raft groups whose elections the test decides (commits
 * take two milliseconds) and a metadata image that all of them see at once.
 */
export class CoordinatorCluster {
  readonly time = new ManualTime();
  readonly view = new MetadataView();
  readonly fatal: Error[] = [];
  readonly brokers: CoordinatorBroker[] = [];
  readonly #random = new SeededRandom(5);
  readonly #rafts = new Map<GroupNumber, FakeRaftCluster>();
  readonly #leaders = new Map<GroupNumber, FakeRaftGroup>();
  #topicNumber = 0;
  #metadataIndex = 0;

  constructor(brokerCount: number) {
    this.view.replace(emptyImage(), 0);
    this.change({ type: "form-cluster", clusterId: CLUSTER_ID, voters: [] });
    for (let id = 1; id <= brokerCount; id++) {
      this.change({
        type: "register-broker",
        clusterId: CLUSTER_ID,
        brokerId: brokerId(id),
        directoryId: uuid(id) as never,
        incarnation: uuid(100 + id),
        clientListeners: [],
        peerAddress: { host: "127.0.0.1", port: id },
      });
      this.change({ type: "unfence-broker", brokerId: brokerId(id), brokerEpoch: id });
    }
    for (let id = 1; id <= brokerCount; id++) this.brokers.push(this.#broker(id));
  }

  /** Carries out a metadata command as the controller would. */
  change(command: ControllerCommand): unknown {
    const result = handle(this.view.image, command, { random: this.#random });
    if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
    this.#metadataIndex += 1;
    this.view.replace(replayAll(this.view.image, result.records), this.#metadataIndex);
    return result.response;
  }

  createTopic(name: string, partitionCount: number): void {
    this.#topicNumber += 1;
    const topicId = uuid(1_000 + this.#topicNumber) as TopicId;
    this.change({ type: "create-topic", topicId, name, partitionCount });
  }

  /**
   * Opens what the metadata places, as the replica registry does, and elects the preferred leaders.
   */
  async host(): Promise<void> {
    for (const topic of this.view.image.topics.values()) {
      if (topic.name !== GROUPS_TOPIC) continue;
      for (const partition of topic.partitions) {
        for (const identity of partition.replicas) {
          const broker = this.broker(identity.brokerId);
          if (!broker.hosted.has(partition.group)) {
            await this.#open(broker, partition, replicaNumber(identity));
          }
        }
        if (!this.#leaders.has(partition.group)) this.#electFirst(partition.group);
      }
    }
    await this.run(10);
  }

  broker(id: number): CoordinatorBroker {
    return present(
      this.brokers.find((broker) => broker.id === id),
      `broker ${id}`,
    );
  }

  /** Every group that a broker leads goes to another one. */
  failOver(from: BrokerId): void {
    for (const [group, leader] of this.#leaders) {
      if (replicaIdentity(leader.self).brokerId !== from) continue;
      const next = this.brokers.find(({ id, hosted }) => id !== from && hosted.has(group));
      const raft = present(next?.hosted.get(group)?.raft, "another replica");
      this.#leaders.set(group, raft);
      this.#raft(group).elect(raft);
    }
  }

  /** Stops a broker and starts it again from what its store kept. */
  async restart(broker: CoordinatorBroker): Promise<CoordinatorBroker> {
    for (const [group, { replica, raft }] of broker.hosted) {
      await replica.close("stop");
      this.#raft(group).remove(raft);
    }
    const again = this.#broker(broker.id, broker.store.crash());
    this.brokers[this.brokers.indexOf(broker)] = again;
    await this.host();
    return again;
  }

  async run(durationMs: number): Promise<void> {
    await this.time.advanceAsync(durationMs);
    await settle();
  }

  #broker(id: number, store = new MemoryKeyValueStore()): CoordinatorBroker {
    const client: ControllerClient = {
      // The response is the command's own: `change` answers what its handler answered.
      submit: (command) => Promise.resolve(this.change(command) as never),
    };
    const coordinators = new GroupCoordinators({
      brokerId: brokerId(id),
      view: this.view,
      store,
      clock: this.time,
      timers: this.time,
      random: new SeededRandom(id),
      logger: silentLogger,
      onFatal: (error) => this.fatal.push(error),
      client,
      leaders: { leaderOf: (group) => this.#leaderOf(group), onChange: () => () => {} },
      partitionCount: 2,
      replicationFactor: Math.min(3, this.view.image.brokers.size),
      pingIntervalMs: 3_000,
      offsetsRetentionMs: OFFSETS_RETENTION_MS,
    });
    return { id: brokerId(id), coordinators, store, hosted: new Map() };
  }

  #leaderOf(group: GroupNumber) {
    const raft = this.#leaders.get(group);
    if (raft === undefined) return undefined;
    return { leader: replicaIdentity(raft.self).brokerId, term: raft.term };
  }

  async #open(
    broker: CoordinatorBroker,
    partition: { readonly partition: number; readonly group: GroupNumber },
    self: number,
  ): Promise<void> {
    const log = { dropPrefix: () => {}, segmentBytes: 0 };
    const replica = await broker.coordinators.openReplica({ partition, log });
    const raft = this.#raft(partition.group);
    const member = raft.join(self, replica.listener as never, replica.appliedIndex);
    replica.attach(member as never);
    raft.deliver(member);
    broker.hosted.set(partition.group, { replica, raft: member });
  }

  #raft(group: GroupNumber): FakeRaftCluster {
    const known = this.#rafts.get(group);
    if (known !== undefined) return known;
    const raft = new FakeRaftCluster(this.time, { commitMs: 2 });
    this.#rafts.set(group, raft);
    return raft;
  }

  #electFirst(group: GroupNumber): void {
    const host = present(
      this.brokers.find(({ hosted }) => hosted.has(group)),
      "a replica",
    );
    const { raft } = present(host.hosted.get(group), "a replica");
    this.#leaders.set(group, raft);
    this.#raft(group).elect(raft);
  }
}
