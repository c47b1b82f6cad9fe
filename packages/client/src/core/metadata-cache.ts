import { CodedError, type ErrorCode, isErrorCode } from "@stratalog/base";
import type { GetMetadataResponse, TopicMetadata } from "@stratalog/protocol";

/** Who leads a partition, as far as the client knows. */
export interface KnownLeader {
  readonly brokerId: number;
  readonly leaderEpoch: number;
}

/** A topic as the client knows it. */
export interface KnownTopic {
  readonly name: string;
  readonly topicId: string;
  /** By partition number; undefined while the partition has no known leader. */
  readonly leaders: (KnownLeader | undefined)[];
  /** By partition number: the leader that failed last, until there is another one. */
  readonly lost: (KnownLeader | undefined)[];
  /** When it was last asked about, on the monotonic clock. */
  askedMs: number;
}

/** Whether a topic is known to have a partition of this number. */
export function hasPartition(topic: KnownTopic, partition: number): boolean {
  return Number.isInteger(partition) && partition >= 0 && partition < topic.leaders.length;
}

/** Says which partitions there are. */
export function unknownPartition({ name, leaders }: KnownTopic, partition: number): CodedError {
  return new CodedError(
    "UNKNOWN_TOPIC_OR_PARTITION",
    `topic ${name} has partitions 0 to ${leaders.length - 1}, not ${partition}`,
    { details: { topic: name, partition } },
  );
}

/** Where a leader sits, from an error's details. */
export interface LeaderHintDetails {
  readonly leaderId?: unknown;
  readonly leaderEpoch?: unknown;
  readonly leaderHost?: unknown;
  readonly leaderPort?: unknown;
}

/** Hears of partitions whose leader is another one than before. */
export type NewLeaderListener = (topic: string, partition: number) => void;

const TOPICS_MAX = 10_000;

/**
 * What the client knows of brokers, topics and leaders. Only ever goes forward: an older view and
 * an older leader epoch never replace a newer one.
 */
export class MetadataCache {
  readonly #brokers = new Map<number, string>();
  readonly #topics = new Map<string, KnownTopic>();
  readonly #errors = new Map<string, CodedError>();
  readonly #listeners = new Set<NewLeaderListener>();
  #version = -1;
  clusterId: string | undefined;
  controllerId: number | undefined;

  /** Takes an answer in. Throws CLUSTER_ID_MISMATCH when it comes from another cluster. */
  apply(response: GetMetadataResponse, nowMs: number): void {
    if (response.clusterId !== "") {
      if (this.clusterId !== undefined && this.clusterId !== response.clusterId) {
        throw new CodedError(
          "CLUSTER_ID_MISMATCH",
          `broker ${response.brokerId} belongs to cluster ${response.clusterId}, the others to ` +
            `${this.clusterId}: name brokers of one cluster`,
        );
      }
      this.clusterId = response.clusterId;
    }
    this.controllerId = response.controllerId;
    const isStale = response.version < this.#version;
    if (!isStale) {
      this.#version = response.version;
      this.#brokers.clear();
    }
    for (const broker of response.brokers) {
      if (broker.host === "" || broker.port === 0) continue;
      if (isStale && this.#brokers.has(broker.brokerId)) continue;
      this.#brokers.set(broker.brokerId, joinAddress(broker.host, broker.port));
    }
    for (const topic of response.topics) this.#applyTopic(topic, { isStale, nowMs });
  }

  /** Takes in what a NOT_LEADER error says about the leader; says whether it was news. */
  applyHint(topic: string, partition: number, hint: LeaderHintDetails): boolean {
    const { leaderId, leaderEpoch, leaderHost, leaderPort } = hint;
    if (typeof leaderId !== "number") return false;
    if (typeof leaderHost === "string" && typeof leaderPort === "number") {
      if (!this.#brokers.has(leaderId)) {
        this.#brokers.set(leaderId, joinAddress(leaderHost, leaderPort));
      }
    }
    const known = this.#topics.get(topic);
    if (known === undefined || !this.#brokers.has(leaderId)) return false;
    const told = {
      brokerId: leaderId,
      leaderEpoch: typeof leaderEpoch === "number" ? leaderEpoch : 0,
    };
    const before = known.leaders[partition] ?? known.lost[partition];
    if (!isNews(told, before)) return false;
    known.leaders[partition] = told;
    known.lost[partition] = undefined;
    this.#tell(topic, partition);
    return true;
  }

  /**
   * Forgets a leader that did not answer or said that it is none. Until there is another one, the
   * same again is no news.
   */
  forgetLeader(topic: string, partition: number, brokerId: number): void {
    const known = this.#topics.get(topic);
    const leader = known?.leaders[partition];
    if (known === undefined || leader?.brokerId !== brokerId) return;
    known.leaders[partition] = undefined;
    known.lost[partition] = leader;
  }

  /** Calls back for each partition whose leader changes; gives a function that ends that. */
  onNewLeader(listener: NewLeaderListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  topic(name: string): KnownTopic | undefined {
    return this.#topics.get(name);
  }

  /** The error that the last answer gave for a topic; undefined when there was none. */
  topicError(name: string): CodedError | undefined {
    return this.#errors.get(name);
  }

  leader(topic: string, partition: number): KnownLeader | undefined {
    return this.#topics.get(topic)?.leaders[partition];
  }

  address(brokerId: number): string | undefined {
    return this.#brokers.get(brokerId);
  }

  /** All known addresses. */
  addresses(): readonly string[] {
    return [...this.#brokers.values()];
  }

  brokerIds(): readonly number[] {
    return [...this.#brokers.keys()];
  }

  #applyTopic(
    topic: TopicMetadata,
    answer: { readonly isStale: boolean; readonly nowMs: number },
  ): void {
    const { isStale, nowMs: askedMs } = answer;
    if (topic.error !== null) {
      const code: ErrorCode = isErrorCode(topic.error.code) ? topic.error.code : "INTERNAL";
      this.#errors.set(topic.name, new CodedError(code, topic.error.message));
      if (!isStale) this.#topics.delete(topic.name);
      return;
    }
    this.#errors.delete(topic.name);
    const before = this.#topics.get(topic.name);
    const isSame = before !== undefined && before.topicId === topic.topicId;
    if (isStale && before !== undefined) return;
    const leaders: (KnownLeader | undefined)[] = topic.partitions.map((partition) => {
      const known = isSame ? before.leaders[partition.partition] : undefined;
      if (partition.leaderId === undefined) return undefined;
      const told = { brokerId: partition.leaderId, leaderEpoch: partition.leaderEpoch };
      return known !== undefined && known.leaderEpoch > told.leaderEpoch ? known : told;
    });
    if (this.#topics.size >= TOPICS_MAX && before === undefined) this.#topics.clear();
    const changed: number[] = [];
    const lost = leaders.map((leader, partition) => {
      const old = isSame ? (before.leaders[partition] ?? before.lost[partition]) : undefined;
      if (leader === undefined || !isNews(leader, old)) {
        return isSame ? before.lost[partition] : undefined;
      }
      changed.push(partition);
      return undefined;
    });
    this.#topics.set(topic.name, {
      name: topic.name,
      topicId: topic.topicId,
      leaders,
      lost,
      askedMs,
    });
    for (const partition of changed) this.#tell(topic.name, partition);
  }

  #tell(topic: string, partition: number): void {
    for (const listener of this.#listeners) listener(topic, partition);
  }
}

/** Whether it is another leader than the last one that is known, and no earlier one. */
function isNews(told: KnownLeader, before: KnownLeader | undefined): boolean {
  if (before === undefined || told.leaderEpoch > before.leaderEpoch) return true;
  return told.leaderEpoch === before.leaderEpoch && told.brokerId !== before.brokerId;
}

/** "host:port", with brackets around an IPv6 address. */
export function joinAddress(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
