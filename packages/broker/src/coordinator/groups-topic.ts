import {
  type Clock,
  CodedError,
  type Random,
  randomUuid,
  sleep,
  type Timers,
  type TopicId,
} from "@stratalog/base";
import { GROUPS_TOPIC } from "@stratalog/groups";
import { type TopicImage, topicByName } from "@stratalog/metadata";
import type { ControllerClient } from "../controller/controller-client.ts";
import type { ClusterView } from "../controller/metadata-view.ts";

const POLL_MS = 50;
const RETRY_MS = 250;

export interface GroupsTopicOptions {
  readonly view: ClusterView;
  readonly client: ControllerClient;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly partitionCount: number;
  /**
   * As many as the cluster is meant to have: a topic made while only one broker was up would stay
   * with one replica. Creation waits for the brokers it needs.
   */
  readonly replicationFactor: number;
}

/** Makes sure that the groups' topic exists, on first use. */
export class GroupsTopic {
  readonly #options: GroupsTopicOptions;
  #creation: Promise<void> | undefined;

  constructor(options: GroupsTopicOptions) {
    this.#options = options;
  }

  /** The topic as this broker knows it. */
  get image(): TopicImage | undefined {
    return topicByName(this.#options.view.image, GROUPS_TOPIC);
  }

  /** Rejects with COORDINATOR_NOT_AVAILABLE when it cannot be made in time. */
  async ensure(timeoutMs: number): Promise<TopicImage> {
    const { clock, timers } = this.#options;
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    for (;;) {
      const { image } = this;
      if (image !== undefined) return image;
      const leftMs = deadlineMs - clock.monotonicMs();
      if (leftMs <= 0) {
        throw new CodedError("COORDINATOR_NOT_AVAILABLE", "the groups' topic is not made yet");
      }
      // Those who come meanwhile share one creation.
      this.#creation ??= this.#create(leftMs).finally(() => {
        this.#creation = undefined;
      });
      await this.#creation;
      await sleep(timers, POLL_MS);
    }
  }

  async #create(timeoutMs: number): Promise<void> {
    const { client, random, timers, partitionCount, replicationFactor } = this.#options;
    try {
      await client.submit(
        {
          type: "create-topic",
          topicId: randomUuid(random) as TopicId,
          name: GROUPS_TOPIC,
          kind: "coordinator",
          partitionCount,
          replicationFactor,
        },
        { timeoutMs },
      );
    } catch (error) {
      const failure = CodedError.from(error);
      // Another broker made it: this one hears of it with the metadata.
      if (failure.code === "TOPIC_ALREADY_EXISTS") return;
      const isTooEarly = failure.code === "INVALID_REPLICATION_FACTOR";
      if (!isTooEarly && !failure.retriable) throw failure;
      await sleep(timers, RETRY_MS);
    }
  }
}
