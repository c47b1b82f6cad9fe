import { CodedError, type Random, randomUuid, type Timers, type TopicId } from "@stratalog/base";
import { handle, type TopicConfigOverrides, topicByName, topicsByName } from "@stratalog/metadata";
import {
  type AddPartitionsRequest,
  type AddPartitionsResponse,
  type AlterTopicConfigRequest,
  type ConfigEntry,
  type CreateTopicRequest,
  checkCount,
  type DeleteTopicRequest,
  type Input,
  invalidRequest,
  type ListTopicsRequest,
  type ListTopicsResponse,
  numberFromWire,
  type TopicDescription,
} from "@stratalog/protocol";
import { type CallContext, checkFormed, metadataShows } from "./call-context.ts";
import { existingTopic } from "./partition-finder.ts";
import type { ClusterMetadata, Controller, Leaders } from "./ports.ts";
import { isInternal, topicDescription, topicSummary } from "./topic-view.ts";

const PAGE_TOPICS = { name: "page_size", absent: 1_000, min: 1, max: 1_000 };
const CONFIG_ENTRIES_MAX = 64;
const CONFIG_VALUE_CHARACTERS_MAX = 1_024;
/** This broker's copy follows the controller's by one hop; longer than this it is cut off. */
const FOLLOW_TIMEOUT_MS = 5_000;

/** What a topic gets when its creator does not say. */
export interface TopicCreationDefaults {
  readonly partitionCount: number;
  /** Absent: 3 from three brokers on, else 1. */
  readonly replicationFactor?: number;
  /** This broker's defaults for configuration, over the built-in ones; for descriptions. */
  readonly config: TopicConfigOverrides;
}

/** Changes topics through the controller and describes them from this broker's own copy. */
export class AdminService {
  readonly #metadata: ClusterMetadata;
  readonly #leaders: Leaders;
  readonly #controller: Controller;
  readonly #random: Random;
  readonly #timers: Timers;
  readonly #defaults: TopicCreationDefaults;

  constructor(options: {
    readonly metadata: ClusterMetadata;
    readonly leaders: Leaders;
    readonly controller: Controller;
    readonly random: Random;
    readonly timers: Timers;
    readonly defaults: TopicCreationDefaults;
  }) {
    this.#metadata = options.metadata;
    this.#leaders = options.leaders;
    this.#controller = options.controller;
    this.#random = options.random;
    this.#timers = options.timers;
    this.#defaults = options.defaults;
  }

  /** Creates a topic, or only checks whether it could be. Rejects with a CodedError. */
  async createTopic(
    request: CreateTopicRequest,
    context: CallContext,
  ): Promise<Input<TopicDescription>> {
    checkFormed(this.#metadata);
    const { name } = request;
    const factor = request.replicationFactor || this.#defaults.replicationFactor;
    const command = {
      type: "create-topic",
      // A UUID by construction.
      topicId: randomUuid(this.#random) as TopicId,
      name,
      partitionCount: request.partitionCount || this.#defaults.partitionCount,
      ...(factor === undefined ? {} : { replicationFactor: factor }),
      config: configFrom(request.config),
    } as const;
    if (request.validateOnly) {
      const verdict = handle(this.#metadata.image, command, { random: this.#random });
      if (!verdict.ok) throw refusal(verdict);
      return { name, replicationFactor: factor, partitions: [] };
    }
    const created = await this.#controller.submit(command, { timeoutMs: context.timeoutMs });
    await this.#follow(context, () => topicByName(this.#metadata.image, name) !== undefined);
    const topic = topicByName(this.#metadata.image, name);
    // This broker is cut off from the controller's news: the answer has what the controller said.
    if (topic === undefined) return { ...created, partitions: [] };
    return this.#describe(name);
  }

  /** Deletes a topic for good. */
  async deleteTopic(request: DeleteTopicRequest, context: CallContext): Promise<void> {
    checkFormed(this.#metadata);
    const { name, topicId } = request;
    const known = topicByName(this.#metadata.image, name);
    if (topicId !== "" && known !== undefined && known.topicId !== topicId) {
      throw new CodedError(
        "UNKNOWN_TOPIC_OR_PARTITION",
        `topic ${name} has another identity now: ${known.topicId}`,
      );
    }
    const { timeoutMs } = context;
    const gone = await this.#controller.submit({ type: "delete-topic", name }, { timeoutMs });
    await this.#follow(context, () => !this.#metadata.image.topics.has(gone.topicId));
  }

  /** Everything about one topic. */
  describeTopic(name: string): Input<TopicDescription> {
    checkFormed(this.#metadata);
    return this.#describe(name);
  }

  /** One page of topics by name; the token is the last name of the page before. */
  listTopics(request: ListTopicsRequest): Input<ListTopicsResponse> {
    checkFormed(this.#metadata);
    const pageSize = numberFromWire(request.pageSize, PAGE_TOPICS);
    const matching = topicsByName(this.#metadata.image).filter(
      (topic) =>
        (request.includeInternal || !isInternal(topic)) &&
        topic.name.startsWith(request.prefix) &&
        topic.name > request.pageToken,
    );
    const page = matching.slice(0, pageSize);
    const isLast = page.length === matching.length;
    return {
      topics: page.map(topicSummary),
      nextPageToken: isLast ? "" : (page.at(-1)?.name ?? ""),
    };
  }

  /** Grows a topic; says that keys move. */
  async addPartitions(
    request: AddPartitionsRequest,
    context: CallContext,
  ): Promise<Input<AddPartitionsResponse>> {
    checkFormed(this.#metadata);
    const { name, partitionCount } = request;
    const { timeoutMs } = context;
    const command = { type: "add-partitions", name, partitionCount } as const;
    const grown = await this.#controller.submit(command, { timeoutMs });
    await this.#follow(context, () => {
      const topic = topicByName(this.#metadata.image, name);
      return topic === undefined || topic.partitions.length >= grown.partitionCount;
    });
    return {
      topic: this.#describe(name),
      warning:
        `${name} grew from ${grown.previousPartitionCount} to ${partitionCount} partitions: ` +
        "from now on most keys go to another partition than before, so the records of one key " +
        "are no longer in one partition, nor in one order",
    };
  }

  /** Sets and resets configuration. */
  async alterTopicConfig(
    request: AlterTopicConfigRequest,
    context: CallContext,
  ): Promise<Input<TopicDescription>> {
    checkFormed(this.#metadata);
    const { name, reset } = request;
    checkCount(reset, { name: "reset", min: 0, max: CONFIG_ENTRIES_MAX });
    const set = configFrom(request.set);
    const twice = reset.find((entry) => Object.hasOwn(set, entry));
    if (twice !== undefined) throw invalidRequest(`${twice} is both set and reset`);
    const command = { type: "alter-topic-config", name, set, reset } as const;
    const { timeoutMs } = context;
    const { config } = await this.#controller.submit(command, { timeoutMs });
    await this.#follow(context, () => sameConfig(this.#configOf(name), config));
    return this.#describe(name);
  }

  #describe(name: string): Input<TopicDescription> {
    const topic = existingTopic(this.#metadata.image, name);
    return topicDescription(topic, this.#leaders, this.#defaults.config);
  }

  #configOf(name: string): TopicConfigOverrides {
    return topicByName(this.#metadata.image, name)?.config ?? {};
  }

  /**
   * Waits until this broker's copy shows what the controller did, so that its own answers agree.
   */
  async #follow(context: CallContext, isThere: () => boolean): Promise<void> {
    const timeoutMs = Math.min(context.timeoutMs, FOLLOW_TIMEOUT_MS);
    await metadataShows(this.#metadata, isThere, { timers: this.#timers, timeoutMs });
  }
}

function configFrom(entries: readonly ConfigEntry[]): TopicConfigOverrides {
  checkCount(entries, { name: "config", min: 0, max: CONFIG_ENTRIES_MAX });
  const config = new Map<string, string>();
  for (const { name, value } of entries) {
    if (config.has(name)) throw invalidRequest(`configuration ${name} is given twice`);
    if (value.length > CONFIG_VALUE_CHARACTERS_MAX) throw invalidRequest(`${name} is too long`);
    config.set(name, value);
  }
  // Defines properties, also one named __proto__, instead of assigning them.
  return Object.fromEntries(config);
}

function sameConfig(a: TopicConfigOverrides, b: TopicConfigOverrides): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

function refusal(verdict: Extract<ReturnType<typeof handle>, { ok: false }>): CodedError {
  const { code, message, details } = verdict;
  return new CodedError(code, message, details === undefined ? {} : { details });
}
