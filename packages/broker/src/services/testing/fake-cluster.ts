import {
  type BrokerId,
  brokerId,
  type ClusterId,
  CodedError,
  type DirectoryId,
  type GroupNumber,
  present,
  SeededRandom,
  type TopicId,
} from "@stratalog/base";
import {
  type ControllerCommand,
  emptyImage,
  handle,
  type MetadataImage,
  type MetadataRecord,
  type ResponseOf,
  replayAll,
  topicByName,
} from "@stratalog/metadata";
import type { PartitionService } from "@stratalog/partition";
import { FakeReplication, openLeader, type ReplicaHarness } from "@stratalog/partition/testing";
import type { LedPartition, ReplicaLookup, ReplicaPlace } from "../../replicas/replica-lookup.ts";
import type { ClusterMetadata, Controller, Leaders } from "../ports.ts";

const UUID = "00000000-0000-4000-8000-00000000000";

/**
 * Metadata with its controller in one object, and replicas on fake Raft groups. Broker 1 is here; 2
 * and 3 are far.
 */
export class FakeCluster implements ClusterMetadata, Controller, Leaders, ReplicaLookup {
  image: MetadataImage = emptyImage();
  appliedIndex = 0;
  /** Whether proposals of replicas commit by themselves, a turn later. */
  commits: "at-once" | "by-hand" = "at-once";
  readonly harnesses = new Map<string, ReplicaHarness>();
  readonly #random = new SeededRandom(7);
  readonly #callbacks = new Set<() => void>();
  readonly #leaders = new Map<GroupNumber, { leader: BrokerId; term: number }>();

  /** A formed cluster of three brokers whose listener "client" is on port 9000 + 10 * id. */
  static formed(): FakeCluster {
    const cluster = new FakeCluster();
    cluster.apply({ type: "cluster-formed", clusterId: `${UUID}c` as ClusterId });
    for (const id of [1, 2, 3]) {
      cluster.apply({
        type: "broker-registered",
        brokerId: brokerId(id),
        directoryId: `${UUID}${id}` as DirectoryId,
        incarnation: `${UUID}${id}`,
        brokerEpoch: id,
        rack: `r${id}`,
        clientListeners: [{ name: "client", host: `b${id}.test`, port: 9000 + 10 * id }],
        peerAddress: { host: `b${id}.test`, port: 1 },
        isFenced: false,
      });
    }
    return cluster;
  }

  /** Creates a topic, led here, with replicas that take records at once. */
  async addTopic(name: string, partitionCount: number): Promise<void> {
    const topicId = `${UUID}${this.image.topics.size}` as TopicId;
    await this.submit({ type: "create-topic", topicId, name, partitionCount });
    for (const partition of present(topicByName(this.image, name), name).partitions) {
      this.lead(partition.group, 1);
      const harness = await openLeader();
      this.harnesses.set(`${name}/${partition.partition}`, harness);
      this.#commitByItself(harness.raft);
    }
  }

  harness(topic: string, partition: number): ReplicaHarness {
    return present(this.harnesses.get(`${topic}/${partition}`), `${topic}/${partition}`);
  }

  lead(group: GroupNumber, id: number, term = 1): void {
    this.#leaders.set(group, { leader: brokerId(id), term });
  }

  apply(record: MetadataRecord): void {
    this.image = replayAll(this.image, [record]);
    this.appliedIndex++;
    for (const callback of this.#callbacks) callback();
  }

  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    return () => this.#callbacks.delete(callback);
  }

  get listenerCount(): number {
    return this.#callbacks.size;
  }

  async submit<C extends ControllerCommand>(command: C): Promise<ResponseOf<C>> {
    const verdict = handle(this.image, command, { random: this.#random });
    if (!verdict.ok) {
      throw new CodedError(verdict.code, verdict.message, { details: verdict.details ?? {} });
    }
    // The copy follows a turn later, as a broker's does.
    setImmediate(() => verdict.records.forEach((record) => this.apply(record)));
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    // The response is the command's by the handler's table.
    return verdict.response as ResponseOf<C>;
  }

  leaderOf(group: GroupNumber): { readonly leader: BrokerId; readonly term: number } | undefined {
    return this.#leaders.get(group);
  }

  /** What the next question about replication is answered with. */
  led: readonly LedPartition[] = [];
  damagedCount = 0;

  ledPartitions(): readonly LedPartition[] {
    return this.led;
  }

  lookup(topic: string, partition: number): ReplicaPlace {
    const harness = this.harnesses.get(`${topic}/${partition}`);
    const replica: PartitionService | undefined = harness?.replica;
    if (replica !== undefined) return { kind: "local", replica };
    const known = topicByName(this.image, topic)?.partitions[partition];
    if (known === undefined) return { kind: "unknown" };
    const leader = this.leaderOf(known.group);
    return { kind: "elsewhere", leader: leader?.leader, leaderEpoch: leader?.term };
  }

  #commitByItself(raft: FakeReplication): void {
    const propose = raft.propose.bind(raft);
    raft.propose = (proposal) => {
      const answer = propose(proposal);
      if (answer.ok && this.commits === "at-once") queueMicrotask(() => raft.commit());
      return answer;
    };
  }
}
