import { CodedError } from "@stratalog/base";
import { connect, type GroupDescription, type Producer, type Stratalog } from "@stratalog/client";
import type {
  TourAck,
  TourClient,
  TourGroup,
  TourMember,
  TourRecord,
  TourWrite,
} from "./tour-client.ts";

/** The SDK as the tour's client. */
export function connectTourClient(brokers: readonly string[]): TourClient {
  return new SdkTourClient(brokers);
}

class SdkTourClient implements TourClient {
  readonly #brokers: readonly string[];
  readonly #client: Stratalog;
  readonly #producer: Producer;
  /** Each member has a client of its own, which names it in the group's description. */
  readonly #members = new Set<Stratalog>();

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers;
    this.#client = connect({ brokers, clientId: "tour" });
    this.#producer = this.#client.producer();
  }

  async createTopic(topic: string, partitionCount: number): Promise<void> {
    await this.#client.admin().createTopic({ name: topic, partitions: partitionCount });
  }

  async listTopics(): Promise<readonly string[]> {
    const topics = await this.#client.admin().listTopics();
    return topics.map(({ name }) => name);
  }

  async leaders(topic: string): Promise<readonly (number | undefined)[]> {
    const { partitions } = await this.#client.admin().describeTopic(topic);
    return partitions.map(({ leader }) => leader);
  }

  async liveBrokers(): Promise<readonly number[]> {
    const { brokers } = await this.#client.admin().describeCluster();
    return brokers.filter(({ isFenced }) => !isFenced).map(({ brokerId }) => brokerId);
  }

  async describeGroup(group: string, topic: string): Promise<TourGroup | undefined> {
    const described = await this.#groupOrUndefined(group);
    if (described === undefined) return undefined;
    const owned = described.members.map((member): [string, readonly number[]] => [
      member.clientId,
      member.owned.filter((each) => each.topic === topic).flatMap(({ partitions }) => partitions),
    ]);
    return { coordinatorId: described.coordinator, owned: new Map(owned) };
  }

  /** A group is made by its first member, so it may not be there yet. */
  async #groupOrUndefined(group: string): Promise<GroupDescription | undefined> {
    try {
      return await this.#client.admin().describeGroup(group);
    } catch (error) {
      if (CodedError.is(error) && error.code === "GROUP_NOT_FOUND") return undefined;
      throw error;
    }
  }

  async committedCount(group: string, topic: string): Promise<bigint> {
    const { offsets } = await this.#client.admin().describeGroup(group);
    return offsets.reduce((sum, each) => sum + (each.topic === topic ? each.offset : 0n), 0n);
  }

  send({ topic, key, value, timestampMs }: TourWrite): Promise<TourAck> {
    return this.#producer.send({ topic, key, value, timestamp: timestampMs });
  }

  join(group: string, topic: string, name: string): TourMember {
    const client = connect({ brokers: this.#brokers, clientId: name });
    this.#members.add(client);
    const consumer = client.consumer({ group, topics: [topic], autoOffsetReset: "earliest" });
    return {
      async *[Symbol.asyncIterator]() {
        for await (const batch of consumer.batches()) yield* tourRecords(batch);
      },
      close: async () => {
        await client.close();
        this.#members.delete(client);
      },
    };
  }

  async *replay(topic: string, fromTimestampMs?: number): AsyncIterable<TourRecord> {
    const replay = this.#client.replay({
      topic,
      ...(fromTimestampMs === undefined ? {} : { from: { timestamp: fromTimestampMs } }),
    });
    for await (const batch of replay.batches()) yield* tourRecords(batch);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#members, this.#client].map((client) => client.close()));
  }
}

function* tourRecords(
  batch: Iterable<{
    readonly partition: number;
    readonly offset: bigint;
    readonly valueBytes: Uint8Array | null;
  }>,
): Iterable<TourRecord> {
  for (const { partition, offset, valueBytes } of batch) {
    // The tour writes no tombstones: a missing value is a wrong one, and decoding it says so.
    yield { partition, offset, value: valueBytes ?? new Uint8Array() };
  }
}
