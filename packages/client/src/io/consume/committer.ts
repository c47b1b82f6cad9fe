import { CodedError } from "@stratalog/base";
import type { Position } from "../../core/positions.ts";
import { fromPublicOffset } from "../../core/public-offset.ts";
import type { TopicPartition } from "../../core/topic-partition.ts";
import type { Cluster } from "../cluster.ts";
import { callCoordinator } from "../group-calls.ts";
import type { OffsetCommit } from "./consumer-options.ts";
import type { GroupSession } from "./group-session.ts";

/** An offset to store: that of the next record to read, and a text beside it. */
export interface CommitOffset extends TopicPartition {
  readonly offset: number;
  readonly metadata?: string;
}

/** The offset to store when a record is done. */
export function offsetAfter(record: TopicPartition & { readonly position: number }): CommitOffset {
  return { topic: record.topic, partition: record.partition, offset: record.position + 1 };
}

/** The inner form of an offset that a user gave. */
export function innerOffset(given: OffsetCommit): CommitOffset {
  const { topic, partition, metadata } = given;
  const offset = fromPublicOffset(given.offset);
  return { topic, partition, offset, ...(metadata === undefined ? {} : { metadata }) };
}

const OFFSETS_PER_COMMIT = 10_000;

/** Stores offsets for a group: through the member's session, or by a call of its own. */
export class Committer {
  readonly #cluster: Cluster;
  readonly #groupId: string;
  #last: Promise<void> = Promise.resolve();
  /** The member's session, while it has one. */
  session: GroupSession | undefined;

  constructor(cluster: Cluster, groupId: string) {
    this.#cluster = cluster;
    this.#groupId = groupId;
  }

  /** Stores how far the loop has passed in some partitions. */
  async commitPassed(positions: readonly Position[], signal: AbortSignal): Promise<void> {
    const passed = positions.map(({ passed: offset }) => offset);
    const offsets = positions.map(({ topic, partition, passed: offset }) => ({
      topic,
      partition,
      offset,
    }));
    await this.commit(offsets, signal);
    for (const [index, position] of positions.entries()) {
      position.committed = passed[index] ?? position.committed;
    }
  }

  /** Stores offsets. One commit at a time, so that an older one never overtakes a newer. */
  commit(offsets: readonly CommitOffset[], signal: AbortSignal): Promise<void> {
    const outcome = this.#last.then(() => this.#commit(offsets, signal));
    this.#last = outcome.catch(() => {
      // Whoever asked for that commit hears of its failure.
    });
    return outcome;
  }

  async #commit(offsets: readonly CommitOffset[], signal: AbortSignal): Promise<void> {
    for (let from = 0; from < offsets.length; from += OFFSETS_PER_COMMIT) {
      await this.#commitSome(offsets.slice(from, from + OFFSETS_PER_COMMIT), signal);
    }
  }

  async #commitSome(offsets: readonly CommitOffset[], signal: AbortSignal): Promise<void> {
    const { session } = this;
    if (session?.isJoined === true) {
      try {
        await this.#cluster.scope.race(session.commit(offsets), signal);
        this.#cluster.telemetry.committed(this.#groupId, offsets);
        return;
      } catch (thrown) {
        // The stream broke under it: the call below says whether the member may still commit.
        if (!CodedError.from(thrown).retriable || signal.aborted) throw thrown;
      }
    }
    const member =
      session === undefined ? {} : { memberId: session.memberId, memberEpoch: session.epoch };
    await callCoordinator(this.#cluster, this.#groupId, {
      method: "commitOffsets",
      request: { groupId: this.#groupId, offsets, ...member },
      signal,
    });
    this.#cluster.telemetry.committed(this.#groupId, offsets);
  }
}
