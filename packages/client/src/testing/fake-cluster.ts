import { present } from "@stratalog/base";
import { FakeBroker } from "./fake-broker.ts";
import { FakePartition } from "./fake-partition.ts";

/** What a test makes of an append: let it happen, or one of the ways in which it goes wrong. */
export type AppendFate = "store" | "store-without-answer" | "drop" | "break" | "store-and-break";

/** An append that is about to happen. */
export interface PendingAppend {
  readonly brokerId: number;
  readonly topic: string;
  readonly partition: number;
  readonly batch: Uint8Array;
}

/** Brokers that share one memory and speak real gRPC on loopback: what SDK tests talk to. */
export class FakeCluster {
  readonly topics = new Map<string, FakePartition[]>();
  /** Configuration that topics were created with. */
  readonly configs = new Map<string, readonly object[]>();
  readonly brokers: FakeBroker[] = [];
  /** Decides what becomes of each append; by default it is stored. */
  fateOf: (append: PendingAppend) => AppendFate = () => "store";
  nextProducerId = 1;
  version = 1;
  /** Bytes of credit that consumers have granted and that were not used. */
  grantedBytes = 0;

  /** Starts brokers 1 to `brokerCount`. */
  static async start(brokerCount = 1): Promise<FakeCluster> {
    const cluster = new FakeCluster();
    for (let id = 1; id <= brokerCount; id++) {
      const broker = new FakeBroker(id, cluster);
      await broker.start();
      cluster.brokers.push(broker);
    }
    return cluster;
  }

  get addresses(): readonly string[] {
    return this.brokers.map((broker) => broker.address);
  }

  createTopic(name: string, partitionCount: number, config: readonly object[] = []): void {
    this.configs.set(name, config);
    const partitions = Array.from(
      { length: partitionCount },
      (_, index) => new FakePartition((index % this.brokers.length) + 1),
    );
    this.topics.set(name, partitions);
    this.version++;
  }

  /** One more partition, led by the first broker. */
  addPartition(topic: string): void {
    present(this.topics.get(topic), topic).push(new FakePartition(1));
    this.version++;
  }

  partition(topic: string, partition: number): FakePartition {
    return present(this.topics.get(topic)?.[partition], `${topic}/${partition}`);
  }

  /** Moves the leadership of a partition, as an election does. */
  moveLeader(topic: string, partition: number, brokerId: number): void {
    const moved = this.partition(topic, partition);
    moved.leader = brokerId;
    moved.leaderEpoch++;
    this.version++;
    for (const broker of this.brokers) broker.onChange();
  }

  broker(id: number): FakeBroker {
    return present(
      this.brokers.find((broker) => broker.id === id),
      `broker ${id}`,
    );
  }

  /** Lets consumers see what was appended. */
  onAppended(): void {
    for (const broker of this.brokers) broker.onChange();
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop()));
  }
}
