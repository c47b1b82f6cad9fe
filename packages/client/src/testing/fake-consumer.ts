import type { ServerDuplexStream } from "@grpc/grpc-js";
import { CodedError } from "@stratalog/base";
import {
  type ConsumeRequest,
  type ConsumeResponse,
  type Input,
  toWireError,
} from "@stratalog/protocol";
import { endOffsetOf } from "@stratalog/record-batch";
import type { FakeBroker } from "./fake-broker.ts";
import type { FakeCluster } from "./fake-cluster.ts";
import type { FakePartition } from "./fake-partition.ts";

interface Subscription {
  readonly id: number;
  readonly topic: string;
  readonly partition: number;
  offset: number;
  isNew: boolean;
}

/** The broker's side of one consume stream: pushes one batch at a time, within the credit. */
export class FakeConsumer {
  readonly #broker: FakeBroker;
  readonly #cluster: FakeCluster;
  readonly #call: ServerDuplexStream<ConsumeRequest, Input<ConsumeResponse>>;
  readonly #subscriptions = new Map<number, Subscription>();
  #creditBytes = 0;

  constructor(
    broker: FakeBroker,
    cluster: FakeCluster,
    call: ServerDuplexStream<ConsumeRequest, Input<ConsumeResponse>>,
  ) {
    this.#broker = broker;
    this.#cluster = cluster;
    this.#call = call;
    call.on("error", () => this.#subscriptions.clear());
    call.on("end", () => call.end());
    call.on("data", (message: ConsumeRequest) => this.#onMessage(message));
  }

  /** Sends what there is. */
  push(): void {
    for (const subscription of this.#subscriptions.values()) this.#pushOne(subscription);
  }

  #onMessage(message: ConsumeRequest): void {
    for (const wanted of message.subscribe?.partitions ?? []) {
      const { subscription: id, topic, partition, offset } = wanted;
      this.#subscriptions.set(id, { id, topic, partition, offset, isNew: true });
    }
    for (const id of message.unsubscribe?.subscriptions ?? []) this.#subscriptions.delete(id);
    if (message.credit !== undefined) {
      this.#creditBytes += message.credit.bytes;
      this.#cluster.grantedBytes += message.credit.bytes;
    }
    this.push();
  }

  #pushOne(subscription: Subscription): void {
    const { topic, partition, id } = subscription;
    const log = this.#cluster.topics.get(topic)?.[partition];
    const refusal = this.#refusal(subscription, log);
    if (refusal !== undefined || log === undefined) {
      this.#subscriptions.delete(id);
      const error = toWireError(refusal ?? new CodedError("INTERNAL", "no log"));
      this.#call.write({ pushes: [{ subscription: id, error }] });
      return;
    }
    const facts = { highWatermark: log.end, logStartOffset: log.start, leaderEpoch: 1 };
    for (const batch of log.read(subscription.offset)) {
      if (this.#creditBytes <= 0) return;
      this.#creditBytes -= batch.length;
      this.#cluster.grantedBytes -= batch.length;
      subscription.offset = endOffsetOf(batch, 0);
      subscription.isNew = false;
      const nextOffset = subscription.offset;
      this.#call.write({
        pushes: [{ subscription: id, batches: [batch], nextOffset, ...facts }],
      });
    }
    if (!subscription.isNew) return;
    subscription.isNew = false;
    const nextOffset = subscription.offset;
    this.#call.write({ pushes: [{ subscription: id, nextOffset, ...facts }] });
  }

  #refusal(subscription: Subscription, log: FakePartition | undefined): CodedError | undefined {
    if (log === undefined) {
      return new CodedError("UNKNOWN_TOPIC_OR_PARTITION", `no ${subscription.topic}`);
    }
    if (log.leader !== this.#broker.id) return this.#broker.notLeader(log);
    if (subscription.offset < log.start || subscription.offset > log.end) {
      return new CodedError("OFFSET_OUT_OF_RANGE", "outside", {
        details: { logStartOffset: log.start, logEndOffset: log.end },
      });
    }
    return undefined;
  }
}
