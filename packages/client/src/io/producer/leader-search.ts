import { CodedError } from "@stratalog/base";
import { backoffAfter, backoffMs, LEADER_BACKOFF } from "../../core/backoff.ts";
import type { PartitionQueue } from "../../core/partition-queue.ts";
import type { ProduceBatch } from "../../core/produce-batch.ts";
import type { Cluster } from "../cluster.ts";
import type { QueueAlarms } from "./queue-alarms.ts";

/** A send that failed and may be tried again. */
export interface FailedSend {
  readonly queue: PartitionQueue;
  readonly batch: ProduceBatch;
  readonly brokerId: number;
}

/**
 * Partitions whose leader failed or is not known: how long each waits before it is tried again.
 * News of a leader end the wait at once, whoever asked for them; without news the wait grows, so a
 * cluster that is down is asked a few times a second at most.
 */
export class LeaderSearch {
  readonly #cluster: Cluster;
  readonly #alarms: QueueAlarms;
  /** Waiting partitions, and how often in a row no leader was known. */
  readonly #waiting = new Map<PartitionQueue, number>();
  readonly #stopListening: () => void;

  constructor(cluster: Cluster, alarms: QueueAlarms) {
    this.#cluster = cluster;
    this.#alarms = alarms;
    this.#stopListening = cluster.cache.onNewLeader((topic, partition) => {
      for (const queue of this.#waiting.keys()) {
        if (queue.topic === topic && queue.partition === partition) this.#goOn(queue);
      }
    });
  }

  stop(): void {
    this.#stopListening();
    this.#waiting.clear();
  }

  /** The partition's leader took something: the next failure is a first one. */
  end(queue: PartitionQueue): void {
    if (this.#waiting.size > 0) this.#waiting.delete(queue);
  }

  /** A send failed: decides when the partition's batches go again, and asks who leads meanwhile. */
  handleFailure({ queue, batch, brokerId }: FailedSend, error: CodedError): void {
    const { topic, partition } = queue;
    const { cache, environment } = this.#cluster;
    const hasNews = cache.applyHint(topic, partition, error.details);
    const leader = cache.leader(topic, partition);
    if (hasNews || (leader !== undefined && leader.brokerId !== brokerId)) {
      this.#goOn(queue);
      return;
    }
    if (error.code !== "OUT_OF_ORDER_SEQUENCE") {
      cache.forgetLeader(topic, partition, brokerId);
      this.refresh(topic);
    }
    const waitMs = backoffMs(backoffAfter(error.code), batch.attempts, environment.random);
    this.#wait(queue, waitMs, this.#waiting.get(queue) ?? 0);
  }

  /** No leader is known: asks, and notes on the batches why they wait. */
  ask(queue: PartitionQueue): void {
    const { topic, lane } = queue;
    const attempt = (this.#waiting.get(queue) ?? 0) + 1;
    this.#wait(
      queue,
      backoffMs(LEADER_BACKOFF, attempt, this.#cluster.environment.random),
      attempt,
    );
    const note = (error: unknown): void => {
      for (const batch of lane.batches()) batch.lastError = CodedError.from(error);
    };
    this.#cluster.refresh([topic]).then(() => {
      const error = this.#cluster.cache.topicError(topic);
      if (error !== undefined) note(error);
    }, note);
  }

  /** Asks for a topic's leaders; whoever waits for one of them hears of it. */
  refresh(topic: string): void {
    this.#cluster.refresh([topic]).catch(() => {
      // The next attempt finds no leader and asks again; what never ends is ended by its age.
    });
  }

  #wait(queue: PartitionQueue, waitMs: number, attempt: number): void {
    const { lane } = queue;
    const nowMs = this.#cluster.environment.clock.monotonicMs();
    this.#waiting.set(queue, attempt);
    lane.retryAtMs = Math.max(lane.retryAtMs, nowMs + waitMs);
    this.#alarms.wakeAfter(queue, lane.retryAtMs - nowMs);
  }

  #goOn(queue: PartitionQueue): void {
    queue.lane.retryAtMs = 0;
    this.#alarms.wakeAfter(queue, 0);
  }
}
