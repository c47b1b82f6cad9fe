import { assert } from "@stratalog/base";
import { hasPartition, type KnownTopic, unknownPartition } from "../../core/metadata-cache.ts";
import { PartitionQueue } from "../../core/partition-queue.ts";
import { partitionOfKey, StickyPartitioner } from "../../core/partitioner.ts";
import type { Cluster } from "../cluster.ts";
import type { ProducerSettings } from "./producer-options.ts";

/** A topic as a producer sees it: its partitioner and one queue per partition. */
export class ProducerTopic {
  readonly name: string;
  readonly #cluster: Cluster;
  readonly #settings: ProducerSettings;
  readonly #sticky: StickyPartitioner;
  readonly #queues: (PartitionQueue | undefined)[] = [];

  constructor(name: string, cluster: Cluster, settings: ProducerSettings) {
    this.name = name;
    this.#cluster = cluster;
    this.#settings = settings;
    this.#sticky = new StickyPartitioner(cluster.environment.random);
  }

  /** What is known of the topic now; undefined: nothing, ask first. */
  get known(): KnownTopic | undefined {
    return this.#cluster.cache.topic(this.name);
  }

  /** The queue that a record goes to, by its own choice, its key, or in turn. */
  queueFor(
    topic: KnownTopic,
    key: Uint8Array | null,
    partition: number | undefined,
  ): PartitionQueue {
    const count = topic.leaders.length;
    assert(count > 0, "a known topic has partitions");
    if (partition !== undefined) {
      if (hasPartition(topic, partition)) return this.queue(partition);
      throw unknownPartition(topic, partition);
    }
    if (key !== null) return this.queue(partitionOfKey(key, count));
    return this.queue(this.#sticky.choose(count));
  }

  /** A batch was closed: records without a key move on. */
  onBatchClosed(partition: number): void {
    const count = this.known?.leaders.length ?? 0;
    if (count > 0) this.#sticky.onBatchClosed(partition, count);
  }

  queue(partition: number): PartitionQueue {
    let queue = this.#queues[partition];
    if (queue === undefined) {
      queue = new PartitionQueue({
        topic: this.name,
        partition,
        kind: "plain",
        buffers: this.#settings.buffers,
        maxBatchBytes: this.#settings.maxBatchBytes,
        isIdempotent: this.#settings.isIdempotent,
        maxInFlight: this.#settings.maxInFlight,
      });
      this.#queues[partition] = queue;
    }
    return queue;
  }
}
