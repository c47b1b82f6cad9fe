import { type BrokerId, CONTROLLER_GROUP } from "@stratalog/base";
import { type BrokerRegistration, topicByName, topicsByName } from "@stratalog/metadata";
import {
  type BrokerMetadata,
  checkCount,
  type GetMetadataRequest,
  type GetMetadataResponse,
  type Input,
  type TopicMetadata,
  toWireError,
} from "@stratalog/protocol";
import { checkFormed } from "./call-context.ts";
import { unknownTopic } from "./partition-finder.ts";
import type { ClusterMetadata, Leaders } from "./ports.ts";
import { isInternal, partitionView } from "./topic-view.ts";

const TOPICS_MAX_DEFAULT = 1_000;

/** Answers who is there and who leads what, from this broker's own copy. */
export class MetadataService {
  readonly #brokerId: BrokerId;
  readonly #metadata: ClusterMetadata;
  readonly #leaders: Leaders;
  readonly #topicsMax: number;

  constructor(options: {
    readonly brokerId: BrokerId;
    readonly metadata: ClusterMetadata;
    readonly leaders: Leaders;
    /** Topics that one request may name. Default 1,000. */
    readonly topicsMax?: number | undefined;
  }) {
    this.#brokerId = options.brokerId;
    this.#metadata = options.metadata;
    this.#leaders = options.leaders;
    this.#topicsMax = options.topicsMax ?? TOPICS_MAX_DEFAULT;
  }

  /**
   * The brokers at their addresses on the listener, and the topics asked for. Throws a CodedError.
   */
  getMetadata(request: GetMetadataRequest, listener: string): Input<GetMetadataResponse> {
    checkFormed(this.#metadata);
    checkCount(request.topics, { name: "topics", min: 0, max: this.#topicsMax });
    const { image, appliedIndex } = this.#metadata;
    const controller = this.#leaders.leaderOf(CONTROLLER_GROUP);
    const brokers = [...image.brokers.values()].toSorted((a, b) => a.brokerId - b.brokerId);
    return {
      clusterId: image.clusterId,
      brokerId: this.#brokerId,
      controllerId: controller?.leader,
      brokers: brokers.map((broker) => brokerView(broker, listener)),
      topics: request.allTopics ? this.#allTopics(request) : request.topics.map(this.#topic),
      version: appliedIndex,
    };
  }

  #allTopics(request: GetMetadataRequest): readonly Input<TopicMetadata>[] {
    return topicsByName(this.#metadata.image)
      .filter((topic) => request.includeInternal || !isInternal(topic))
      .map((topic) => this.#topic(topic.name));
  }

  readonly #topic = (name: string): Input<TopicMetadata> => {
    const topic = topicByName(this.#metadata.image, name);
    if (topic === undefined) return { name, error: toWireError(unknownTopic(name)) };
    return {
      name,
      topicId: topic.topicId,
      internal: isInternal(topic),
      partitions: topic.partitions.map((partition) => partitionView(partition, this.#leaders)),
    };
  };
}

/**
 * A broker at its address on a listener; without an address when it has no listener of that name.
 */
export function brokerView(broker: BrokerRegistration, listener: string): Input<BrokerMetadata> {
  const address = broker.clientListeners.find((candidate) => candidate.name === listener);
  return {
    brokerId: broker.brokerId,
    host: address?.host,
    port: address?.port,
    rack: broker.rack,
    fenced: broker.isFenced,
  };
}
