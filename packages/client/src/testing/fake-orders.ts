import { connect } from "../grpc/connect.ts";
import type { Consumer } from "../io/consume/consumer.ts";
import type { Stratalog } from "../io/stratalog.ts";
import { FakeCluster } from "./fake-cluster.ts";
import { FakeGroup } from "./fake-group.ts";

/** Two brokers with the topic "orders" of four partitions, and a group "billing" that reads it. */
export class FakeOrders {
  readonly cluster: FakeCluster;
  readonly group: FakeGroup;
  readonly log: Stratalog;

  constructor(cluster: FakeCluster) {
    this.cluster = cluster;
    this.cluster.createTopic("orders", 4);
    this.group = new FakeGroup(cluster);
    this.log = connect({ brokers: cluster.addresses, requestTimeoutMs: 5_000 });
  }

  static async start(): Promise<FakeOrders> {
    return new FakeOrders(await FakeCluster.start(2));
  }

  async stop(): Promise<void> {
    await this.log.close({ timeoutMs: 500 }).catch(() => {});
    await this.cluster.stop();
  }

  /** Sends values 0 to count − 1 to one partition, value n under key n modulo `keys`. */
  async fill(count: number, keys: number, partition = 0): Promise<void> {
    const producer = this.log.producer({ maxBatchBytes: 400 });
    for (let n = 0; n < count; n++) {
      const key = `k${n % keys}`;
      await producer.enqueue({ topic: "orders", partition, key, value: String(n) });
    }
    await producer.close();
  }

  /** Sends values 0 to count − 1, value n to partition n modulo 4. */
  async fillEvenly(count: number): Promise<void> {
    const producer = this.log.producer({ maxBatchBytes: 500 });
    for (let n = 0; n < count; n++) {
      await producer.enqueue({ topic: "orders", partition: n % 4, value: String(n) });
    }
    await producer.close();
  }

  member(options: object = {}): Consumer {
    return this.log.consumer({
      group: "billing",
      topics: ["orders"],
      fromBeginning: true,
      commitIntervalMs: 20,
      ...options,
    });
  }

  /** Records that the group's commits are past, over all partitions. */
  get storedCount(): number {
    return [...this.group.offsets.values()].reduce((sum, offset) => sum + offset, 0);
  }

  /** What the group has committed for a partition; 0 for nothing. */
  storedOf(partition: number): number {
    return this.group.offsets.get(`orders/${partition}`) ?? 0;
  }
}
