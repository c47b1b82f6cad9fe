import { channel, type Channel } from "node:diagnostics_channel";
import type { CodedError } from "@stratalog/base";
import type { TopicPartition } from "../core/topic-partition.ts";

/** What a client has done since it was made. Counts only grow. */
export interface ClientMetrics {
  /** Records, batches and bytes of batches (compressed) that were stored. */
  readonly recordsStored: number;
  readonly batchesStored: number;
  readonly bytesStored: number;
  /** Records that were given up; their callers were told. */
  readonly recordsGivenUp: number;
  /** Sends of a batch after its first: lost answers, leaders that moved. */
  readonly batchesRetried: number;
  /** Records, batches and bytes of batches (compressed) that consumers and replays were given. */
  readonly recordsFetched: number;
  readonly batchesFetched: number;
  readonly bytesFetched: number;
  /** Commits that were stored. */
  readonly commits: number;
  /** Partitions that groups gave to this client's consumers, and that these gave up or lost. */
  readonly partitionsAssigned: number;
  readonly partitionsRevoked: number;
}

/** Message on `stratalog:client:stored`: a batch is stored as its `acks` say. */
export interface StoredEvent extends TopicPartition {
  readonly baseOffset: number;
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** Sends that it took. */
  readonly attempts: number;
  /** From the batch's first record to its answer. */
  readonly durationMs: number;
}

/** Message on `stratalog:client:given-up`: a batch's records were given up. */
export interface GivenUpEvent extends TopicPartition {
  readonly recordCount: number;
  readonly error: CodedError;
}

/** Message on `stratalog:client:fetched`: a batch is about to be read. */
export interface FetchedEvent extends TopicPartition {
  readonly recordCount: number;
  readonly sizeBytes: number;
  /** Offset of its first record that is wanted. */
  readonly offset: number;
}

/** Message on `stratalog:client:committed`: a group's offsets are stored. */
export interface CommittedEvent {
  readonly group: string;
  readonly offsets: readonly (TopicPartition & { readonly offset: number })[];
}

/** Message on `stratalog:client:assigned` and `stratalog:client:revoked`. */
export interface RebalanceEvent {
  readonly group: string;
  readonly partitions: readonly TopicPartition[];
  /** "lost": they may be another member's already. */
  readonly reason: "moved" | "lost";
}

const CHANNELS = {
  stored: channel("stratalog:client:stored"),
  "given-up": channel("stratalog:client:given-up"),
  fetched: channel("stratalog:client:fetched"),
  committed: channel("stratalog:client:committed"),
  assigned: channel("stratalog:client:assigned"),
  revoked: channel("stratalog:client:revoked"),
} as const;

/** A batch that was sent, as far as telemetry looks at it. */
interface SentBatch {
  readonly recordCount: number;
  readonly attempts: number;
  readonly createdMs: number;
  readonly bytes: Uint8Array;
}

/**
 * Counts what a client does and tells whoever listens to Node's diagnostics channels. All of it
 * happens per batch, never per record, and a message is made only when somebody listens.
 */
export class Telemetry {
  readonly #counts = {
    recordsStored: 0,
    batchesStored: 0,
    bytesStored: 0,
    recordsGivenUp: 0,
    batchesRetried: 0,
    recordsFetched: 0,
    batchesFetched: 0,
    bytesFetched: 0,
    commits: 0,
    partitionsAssigned: 0,
    partitionsRevoked: 0,
  };

  /** The counts as they are now. */
  metrics(): ClientMetrics {
    return { ...this.#counts };
  }

  stored(
    at: TopicPartition,
    batch: SentBatch,
    answer: { readonly baseOffset: number; readonly nowMs: number },
  ): void {
    const { recordCount, attempts, createdMs } = batch;
    const sizeBytes = batch.bytes.length;
    this.#counts.recordsStored += recordCount;
    this.#counts.batchesStored += 1;
    this.#counts.bytesStored += sizeBytes;
    this.#counts.batchesRetried += Math.max(0, attempts - 1);
    tell(CHANNELS.stored, (): StoredEvent => {
      const { topic, partition } = at;
      const { baseOffset, nowMs } = answer;
      const durationMs = nowMs - createdMs;
      return { topic, partition, baseOffset, recordCount, sizeBytes, attempts, durationMs };
    });
  }

  givenUp(at: TopicPartition, batch: SentBatch, error: CodedError): void {
    const { recordCount, attempts } = batch;
    this.#counts.recordsGivenUp += recordCount;
    this.#counts.batchesRetried += Math.max(0, attempts - 1);
    tell(CHANNELS["given-up"], (): GivenUpEvent => {
      return { topic: at.topic, partition: at.partition, recordCount, error };
    });
  }

  fetched(at: TopicPartition, sizeBytes: number, range: { from: number; end: number }): void {
    const recordCount = range.end - range.from;
    this.#counts.recordsFetched += recordCount;
    this.#counts.batchesFetched += 1;
    this.#counts.bytesFetched += sizeBytes;
    tell(CHANNELS.fetched, (): FetchedEvent => {
      return {
        topic: at.topic,
        partition: at.partition,
        recordCount,
        sizeBytes,
        offset: range.from,
      };
    });
  }

  committed(group: string, offsets: CommittedEvent["offsets"]): void {
    this.#counts.commits += 1;
    tell(CHANNELS.committed, (): CommittedEvent => ({ group, offsets }));
  }

  rebalanced(event: "assigned" | "revoked", change: RebalanceEvent): void {
    const count = change.partitions.length;
    if (event === "assigned") this.#counts.partitionsAssigned += count;
    else this.#counts.partitionsRevoked += count;
    tell(CHANNELS[event], () => change);
  }
}

function tell<T>(to: Channel, message: () => T): void {
  if (to.hasSubscribers) to.publish(message());
}
