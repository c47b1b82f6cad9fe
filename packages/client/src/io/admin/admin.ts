import { CodedError } from "@stratalog/base";
import { toPublicOffset } from "../../core/public-offset.ts";
import type { RequestOf, ResponseOf, UnaryName } from "../../ports/transport.ts";
import type { Cluster } from "../cluster.ts";
import { innerOffset } from "../consume/committer.ts";
import type { OffsetCommit } from "../consume/consumer-options.ts";
import { callCoordinator } from "../group-calls.ts";
import { listOffsets } from "../list-offsets.ts";
import type {
  AdminCallOptions,
  ClusterDescription,
  GroupDescription,
  GroupLag,
  GroupSummary,
  NewTopic,
  OffsetLookup,
  PartitionReset,
  OffsetResetOptions,
  PartitionOffset,
  TopicDescription,
  TopicSummary,
} from "./admin-types.ts";
import { groupLag, planReset, refuseMembers } from "./group-offsets.ts";
import { describeReplication, type ReplicationDescription } from "./replication.ts";
import { brokerDescription, groupDescription, topicDescription } from "./describe.ts";

const BROKER_TIMEOUT_MS = 2_000;
const PAGE_SIZE = 1_000;
/** 100,000 topics: more than a cluster holds; a broker that pages for ever is not believed. */
const PAGES_MAX = 100;

/**
 * Creates, changes and describes topics, groups and the cluster. Any broker will do. Holds nothing
 * that must be closed. Made by `Stratalog.admin`.
 */
export class Admin {
  readonly #cluster: Cluster;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** Creates a topic; TOPIC_ALREADY_EXISTS when there is one. */
  async createTopic(topic: NewTopic, options: AdminCallOptions = {}): Promise<TopicDescription> {
    const response = await this.#call("createTopic", "change", options, {
      name: topic.name,
      partitionCount: topic.partitions,
      replicationFactor: topic.replicationFactor,
      config: entries(topic.config),
      validateOnly: topic.validateOnly,
    });
    return topicDescription(response.topic);
  }

  /** Deletes a topic and its records for good. */
  async deleteTopic(name: string, options: AdminCallOptions = {}): Promise<void> {
    await this.#call("deleteTopic", "change", options, { name });
  }

  /** Everything about a topic; UNKNOWN_TOPIC_OR_PARTITION when there is none. */
  async describeTopic(name: string, options: AdminCallOptions = {}): Promise<TopicDescription> {
    const response = await this.#call("describeTopic", "read", options, { name });
    return topicDescription(response.topic);
  }

  /** All topics by name, or those whose names begin with `prefix`. */
  async listTopics(
    options: AdminCallOptions & {
      readonly prefix?: string;
      readonly includeInternal?: boolean;
    } = {},
  ): Promise<readonly TopicSummary[]> {
    const { prefix, includeInternal } = options;
    const topics: TopicSummary[] = [];
    let pageToken = "";
    for (let page = 0; page < PAGES_MAX; page++) {
      const request = { prefix, includeInternal, pageSize: PAGE_SIZE, pageToken };
      const response = await this.#call("listTopics", "read", options, request);
      for (const { internal, ...topic } of response.topics) {
        topics.push({ ...topic, isInternal: internal });
      }
      pageToken = response.nextPageToken;
      if (pageToken === "") return topics;
    }
    throw new CodedError("INTERNAL", `the list of topics does not end after ${PAGES_MAX} pages`);
  }

  /**
   * Grows a topic to `partitions` in all. The warning says what that means: keys move to other
   * partitions from then on.
   */
  async addPartitions(
    name: string,
    partitions: number,
    options: AdminCallOptions = {},
  ): Promise<{ readonly topic: TopicDescription; readonly warning: string }> {
    const request = { name, partitionCount: partitions };
    const response = await this.#call("addPartitions", "change", options, request);
    return { topic: topicDescription(response.topic), warning: response.warning };
  }

  /** Sets configuration of a topic, and resets some to their defaults; the rest stays. */
  async alterConfig(
    name: string,
    changes: {
      readonly set?: Readonly<Record<string, string>>;
      readonly reset?: readonly string[];
    },
    options: AdminCallOptions = {},
  ): Promise<TopicDescription> {
    const request = { name, set: entries(changes.set), reset: changes.reset };
    const response = await this.#call("alterTopicConfig", "change", options, request);
    return topicDescription(response.topic);
  }

  /** The brokers, who is the controller, and how much there is. */
  async describeCluster(options: AdminCallOptions = {}): Promise<ClusterDescription> {
    const response = await this.#call("describeCluster", "read", options, {});
    return {
      clusterId: response.clusterId,
      controller: response.controllerId,
      brokers: response.brokers.map(brokerDescription),
      topicCount: response.topicCount,
      partitionCount: response.partitionCount,
    };
  }

  /**
   * How far the replicas of every partition are, asked from their leaders. A broker that does not
   * answer within two seconds counts as silent; the rest is told all the same.
   */
  async describeReplication(options: AdminCallOptions = {}): Promise<ReplicationDescription> {
    const described = await this.describeCluster(options);
    const limits = { ...options, brokerTimeoutMs: BROKER_TIMEOUT_MS };
    return describeReplication(this.#cluster, described, limits);
  }

  /** Offsets by rule; "latest" is confirmed by each partition's quorum. */
  async listOffsets(
    lookup: OffsetLookup,
    options: AdminCallOptions = {},
  ): Promise<readonly PartitionOffset[]> {
    const { topic, at } = lookup;
    const known = await this.#cluster.topic(topic, options.signal);
    const partitions = lookup.partitions ?? known.leaders.map((_leader, index) => index);
    const spec = typeof at === "string" ? at : { timestampMs: Number(at.timestamp) };
    const questions = partitions.map((partition) => ({ topic, partition, at: spec }));
    const found = await listOffsets(this.#cluster, questions, options.signal);
    return found.map(({ partition, offset }) => ({
      topic,
      partition,
      offset: toPublicOffset(offset),
    }));
  }

  /** The groups of all brokers that answer, by name. */
  async listGroups(
    options: AdminCallOptions & { readonly prefix?: string } = {},
  ): Promise<readonly GroupSummary[]> {
    await this.#cluster.refresh([], options.signal);
    const limits = { timeoutMs: this.#cluster.options.requestTimeoutMs, signal: options.signal };
    const request = { prefix: options.prefix };
    const brokers = this.#cluster.cache.brokerIds().flatMap((id) => {
      const connection = this.#cluster.broker(id);
      return connection === undefined ? [] : [connection];
    });
    const outcomes = await Promise.allSettled(
      brokers.map((broker) => broker.call("GroupService", "listGroups", request, limits)),
    );
    const answers = outcomes.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
    const failure = outcomes.find((each) => each.status === "rejected");
    if (answers.length === 0 && failure !== undefined) throw CodedError.from(failure.reason);
    return answers
      .flatMap(({ groups }) => groups)
      .map(({ coordinatorId, ...group }) => ({ ...group, coordinator: coordinatorId }))
      .sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  }

  /** Everything about a group; GROUP_NOT_FOUND when there is none. */
  async describeGroup(groupId: string, options: AdminCallOptions = {}): Promise<GroupDescription> {
    const response = await callCoordinator(this.#cluster, groupId, {
      method: "describeGroup",
      request: { groupId },
      signal: options.signal,
    });
    return groupDescription(response);
  }

  /**
   * How far behind a group is, partition by partition: all that a member owns or that have a
   * committed offset. GROUP_NOT_FOUND when there is no such group.
   */
  async groupLag(groupId: string, options: AdminCallOptions = {}): Promise<readonly GroupLag[]> {
    const group = await this.describeGroup(groupId, options);
    return await groupLag(this.#cluster, group, options.signal);
  }

  /**
   * What `resetOffsets` would set; changes nothing. Offsets outside a partition become its nearest
   * end. GROUP_NOT_EMPTY while the group has members; INVALID_REQUEST when there is nothing to set
   * or nothing to shift from.
   */
  async planOffsetReset(
    groupId: string,
    options: OffsetResetOptions,
  ): Promise<readonly PartitionReset[]> {
    const group = await this.#groupIfAny(groupId, options);
    return await planReset(this.#cluster, group, { ...options, groupId });
  }

  /**
   * Sets where a group goes on, all partitions or none (10,000 at most), and says what it set. The
   * group must have no members (GROUP_NOT_EMPTY); it is made when there is none. Look with
   * `planOffsetReset` first.
   */
  async resetOffsets(
    groupId: string,
    options: OffsetResetOptions,
  ): Promise<readonly PartitionReset[]> {
    const plan = await this.planOffsetReset(groupId, options);
    const offsets = plan.map(({ topic, partition, to }) => ({ topic, partition, offset: to }));
    try {
      await this.commitOffsets(groupId, offsets, options);
    } catch (error) {
      // Somebody joined since the plan was made.
      refuseMembers(await this.#groupIfAny(groupId, options), groupId);
      throw error;
    }
    return plan;
  }

  /** Deletes a group without members and what it committed; GROUP_NOT_EMPTY otherwise. */
  async deleteGroup(groupId: string, options: AdminCallOptions = {}): Promise<void> {
    await callCoordinator(this.#cluster, groupId, {
      method: "deleteGroup",
      request: { groupId },
      signal: options.signal,
    });
  }

  /** Sets where a group without members goes on; creates the group when there is none. */
  async commitOffsets(
    groupId: string,
    offsets: readonly OffsetCommit[],
    options: AdminCallOptions = {},
  ): Promise<void> {
    await callCoordinator(this.#cluster, groupId, {
      method: "commitOffsets",
      request: { groupId, offsets: offsets.map(innerOffset) },
      signal: options.signal,
    });
  }

  async #groupIfAny(
    groupId: string,
    options: AdminCallOptions,
  ): Promise<GroupDescription | undefined> {
    try {
      return await this.describeGroup(groupId, options);
    } catch (error) {
      if (CodedError.is(error) && error.code === "GROUP_NOT_FOUND") return undefined;
      throw error;
    }
  }

  async #call<M extends UnaryName<"AdminService">>(
    method: M,
    effect: "read" | "change",
    options: AdminCallOptions,
    request: RequestOf<"AdminService", M>,
  ): Promise<ResponseOf<"AdminService", M>> {
    const { signal } = options;
    return await this.#cluster.callAny({
      service: "AdminService",
      method,
      request,
      effect,
      signal,
    });
  }
}

function entries(
  config: Readonly<Record<string, string>> | undefined,
): readonly { readonly name: string; readonly value: string }[] {
  return Object.entries(config ?? {}).map(([name, value]) => ({ name, value }));
}
