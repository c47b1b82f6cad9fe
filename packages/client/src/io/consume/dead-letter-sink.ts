import { CodedError } from "@stratalog/base";
import type { ConsumedRecord } from "../../core/consumed-record.ts";
import {
  deadLetterTopicOf,
  describeFailure,
  withDeadLetterHeaders,
} from "../../core/dead-letter.ts";
import { Admin } from "../admin/admin.ts";
import type { Cluster } from "../cluster.ts";
import { Producer } from "../producer/producer.ts";
import type { DeadLetterOptions } from "./run-options.ts";

const TIMEOUT_MS = 30_000;
/** The most that a topic may take: a copy is larger than its record, and never too large. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;

/** Stores copies of records that no handler could deal with. */
export class DeadLetterSink {
  readonly #cluster: Cluster;
  readonly #options: DeadLetterOptions;
  readonly #group: string;
  readonly #partitionCounts = new Map<string, Promise<number>>();
  #producer: Producer | undefined;

  constructor(cluster: Cluster, options: DeadLetterOptions, group: string | undefined) {
    this.#cluster = cluster;
    this.#options = options;
    this.#group = group ?? "";
  }

  /**
   * Resolves when a full copy of the record is stored. Rejects with why it could not be: then the
   * record must not count as done.
   */
  async send(
    record: ConsumedRecord<unknown, unknown>,
    failure: { readonly error: unknown; readonly attempts: number },
  ): Promise<void> {
    const { topic: origin, partition, position } = record;
    const named = this.#options.topic;
    const topic =
      (typeof named === "function" ? named(origin) : named) ?? deadLetterTopicOf(origin);
    try {
      const partitionCount = await this.#partitionCount(topic, origin);
      const headers = withDeadLetterHeaders(record.headers, {
        topic: origin,
        partition,
        offset: position,
        group: this.#group,
        attempts: failure.attempts,
        failedAtMs: this.#cluster.environment.clock.wallMs(),
        ...describeFailure(failure.error),
      });
      const deliveryTimeoutMs = this.#options.timeoutMs ?? TIMEOUT_MS;
      this.#producer ??= new Producer(this.#cluster, { deliveryTimeoutMs });
      await this.#producer.send({
        topic,
        // Records of one partition stay in one, so that a redrive keeps their order.
        partition: partition % partitionCount,
        key: record.keyBytes,
        value: record.valueBytes,
        headers,
        timestamp: record.timestamp,
      });
    } catch (thrown) {
      throw unwritable({ topic, record, thrown, failure: failure.error });
    }
  }

  /** Ends the producer, whose records were all waited for. */
  async close(): Promise<void> {
    await this.#producer?.close({ timeoutMs: 0 });
  }

  #partitionCount(topic: string, origin: string): Promise<number> {
    let count = this.#partitionCounts.get(topic);
    if (count === undefined) {
      count = this.#findOrCreate(topic, origin);
      this.#partitionCounts.set(topic, count);
      // The next record asks again.
      count.catch(() => this.#partitionCounts.delete(topic));
    }
    return count;
  }

  async #findOrCreate(topic: string, origin: string): Promise<number> {
    if (this.#options.create ?? true) {
      const partitions = (await this.#cluster.topic(origin)).leaders.length;
      await this.#cluster.refresh([topic]);
      if (this.#cluster.cache.topic(topic) === undefined) await this.#create(topic, partitions);
    }
    return (await this.#cluster.topic(topic)).leaders.length;
  }

  async #create(name: string, partitions: number): Promise<void> {
    try {
      const config = { "max.message.bytes": String(MESSAGE_BYTES_MAX) };
      await new Admin(this.#cluster).createTopic({ name, partitions, config });
    } catch (thrown) {
      const error = CodedError.from(thrown);
      if (error.code !== "TOPIC_ALREADY_EXISTS") throw error;
    }
  }
}

function unwritable(what: {
  readonly topic: string;
  readonly record: ConsumedRecord<unknown, unknown>;
  readonly thrown: unknown;
  readonly failure: unknown;
}): CodedError {
  const { topic, record, failure } = what;
  const error = CodedError.from(what.thrown);
  const where = `${record.topic}/${record.partition} at ${record.position}`;
  const why = describeFailure(failure).error;
  return new CodedError(
    error.code,
    `${where} could not be copied to ${topic}: ${error.message}. It is not done; its handler had ` +
      `failed with ${why}`,
    {
      cause: error,
      details: { topic: record.topic, partition: record.partition, offset: record.position },
    },
  );
}
