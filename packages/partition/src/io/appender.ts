import { type Clock, CodedError } from "@stratalog/base";
import {
  BATCH_RECORDS_MAX,
  patchBaseOffset,
  patchLeaderEpoch,
  validateBatch,
} from "@stratalog/record-batch";
import type { BatchHeader } from "@stratalog/record-batch";
import { AppendQueue, type AppendWaiter, type PendingAppend } from "../core/append-queue.ts";
import type { BatchIdentity } from "../core/producer-history.ts";
import type { ProducerTable } from "../core/producer-table.ts";
import type { PartitionConfig, PartitionLimits } from "../partition-config.ts";
import type { ProduceRequest, ProduceResult } from "../ports/partition-service.ts";
import type { Deadlines } from "./deadlines.ts";
import { checkLeader, notLeader, outcomeUnknown } from "./partition-errors.ts";
import type { ReplicaState } from "./replica-state.ts";

/** Whether the storage behind all partitions takes more: busy passes by itself, full does not. */
export type StoragePressure = "none" | "busy" | "full";

/** What one produce call is waiting with. */
interface Reply {
  resolve(result: ProduceResult): void;
  reject(error: CodedError): void;
}

/**
 * The write path of a leader. Everything up to the proposal happens in the turn of the call, so
 * that calls on one connection
 * are stored in their order, and base offset and epoch are exact when they are patched.
 *
 * After the proposal only three outcomes exist: stored, not known (leadership moved or time ran
 * out), or the process died.
 */
export class Appender {
  readonly #state: ReplicaState;
  readonly #producers: ProducerTable;
  readonly #deadlines: Deadlines;
  readonly #clock: Clock;
  readonly #limits: PartitionLimits;
  readonly #pressure: () => StoragePressure;
  readonly #queue = new AppendQueue();
  config: PartitionConfig;

  constructor(options: {
    readonly state: ReplicaState;
    readonly producers: ProducerTable;
    readonly deadlines: Deadlines;
    readonly clock: Clock;
    readonly limits: PartitionLimits;
    readonly config: PartitionConfig;
    readonly pressure: () => StoragePressure;
  }) {
    this.#state = options.state;
    this.#pressure = options.pressure;
    this.#producers = options.producers;
    this.#deadlines = options.deadlines;
    this.#clock = options.clock;
    this.#limits = options.limits;
    this.config = options.config;
  }

  get pendingCount(): number {
    return this.#queue.count;
  }

  get pendingBytes(): number {
    return this.#queue.bytes;
  }

  produce(request: ProduceRequest): Promise<ProduceResult> {
    return new Promise((resolve, reject) => {
      // A throw in here, which comes before the proposal, rejects the promise.
      this.#produce(request, { resolve, reject });
    });
  }

  /** The data frame at `index` is committed. */
  onCommitted(index: number, term: number): void {
    if (this.#queue.count > 0) this.#queue.commit(index, term);
  }

  /**
   * What this leader of `term` proposed up to `index` is committed, though it may not be applied
   * here: that waits for this broker's own disk, and the answer need not.
   */
  onCommitIndex(index: number, term: number): void {
    if (this.#queue.count > 0) this.#queue.acknowledge(index, term);
  }

  onDurable(index: number): void {
    this.#queue.durable(index);
  }

  /** Leadership ended, or the replica closes. */
  loseLeadership(): void {
    this.#producers.dropProposed();
    this.#queue.loseAll();
  }

  #produce(request: ProduceRequest, reply: Reply): void {
    checkLeader(this.#state, request.leaderEpoch);
    if (!this.#state.replication.isLeaderReady) {
      // Before its own first entry is committed it cannot know which batches its predecessor
      // stored.
      throw new CodedError(
        "LEADER_NOT_AVAILABLE",
        `${this.#state.name} is being taken over; retry`,
      );
    }
    const header = this.#validate(request.batch);
    const identity = identityOf(header);
    if (identity !== undefined) {
      if (request.acks !== "all") {
        throw new CodedError("INVALID_REQUEST", "an idempotent producer needs acks: all");
      }
      if (this.#answerDuplicate(request, identity, reply)) return;
    }
    this.#checkExpectedOffset(request.expectedOffset);
    this.#checkRoom(request.batch.byteLength);
    this.#propose({ request, header, identity, reply });
  }

  #validate(batch: Uint8Array): BatchHeader {
    const maxBytes = this.config.maxMessageBytes;
    const validation = validateBatch(batch, { maxBytes, maxRecords: BATCH_RECORDS_MAX });
    if (validation.ok) return validation.header;
    throw new CodedError(validation.code, `${this.#state.name}: ${validation.message}`);
  }

  /**
   * Says whether the batch is stored or in flight already; then the call is answered with the
   * original's offset.
   */
  #answerDuplicate(request: ProduceRequest, identity: BatchIdentity, reply: Reply): boolean {
    const { producerId, firstSequence } = identity;
    const verdict = this.#producers.check(identity);
    switch (verdict.kind) {
      case "next":
        return false;
      case "duplicate": {
        const { baseOffset } = verdict.batch;
        const pending = this.#queue.find(baseOffset);
        if (pending === undefined || pending.isAcknowledged) {
          reply.resolve(this.#result(baseOffset, this.#state.replication.term, true));
        } else {
          this.#wait(pending.append, request, { reply, duplicate: true });
        }
        return true;
      }
      case "stale-epoch":
        throw new CodedError(
          "INVALID_PRODUCER_EPOCH",
          `producer ${producerId} sent epoch ${identity.epoch}; ${verdict.knownEpoch} has taken over`,
          { details: { producerId, producerEpoch: verdict.knownEpoch } },
        );
      case "out-of-order":
        throw new CodedError(
          "OUT_OF_ORDER_SEQUENCE",
          `producer ${producerId} sent sequence ${firstSequence} to ${this.#state.name}; ` +
            `${verdict.expectedSequence} is next`,
          { details: { producerId, sequence: firstSequence, expected: verdict.expectedSequence } },
        );
    }
  }

  #checkExpectedOffset(expectedOffset: number | undefined): void {
    if (expectedOffset === undefined) return;
    const actualOffset = this.#state.replication.nextOffset;
    if (actualOffset === expectedOffset) return;
    throw new CodedError(
      "WRONG_EXPECTED_OFFSET",
      `${this.#state.name} ends at ${actualOffset}, not at ${expectedOffset}; nothing was stored`,
      { details: { expectedOffset, actualOffset } },
    );
  }

  #checkRoom(sizeBytes: number): void {
    switch (this.#pressure()) {
      case "none":
        break;
      case "busy":
        throw new CodedError("THROTTLED", "the broker's disk is behind; retry a little later");
      case "full":
        throw new CodedError("STORAGE_FULL", "the broker's disk is full: it takes no more records");
    }
    const { bytes } = this.#queue;
    if (bytes === 0 || bytes + sizeBytes <= this.#limits.uncommittedBytesMax) return;
    throw this.#overloaded();
  }

  /**
   * Too much is in flight: because producers are fast, or because this broker's own disk or a
   * majority does not answer.
   */
  #overloaded(): CodedError {
    const { bytes, oldestProposedAtMs, isOldestDurable } = this.#queue;
    const nowMs = this.#clock.monotonicMs();
    const waitedMs = Math.round(nowMs - (oldestProposedAtMs ?? nowMs));
    const { name } = this.#state;
    if (waitedMs > this.#limits.stalledAfterMs) {
      if (!isOldestDurable) {
        const message = `the disk of the leader of ${name} has not answered for ${waitedMs} ms`;
        return new CodedError("THROTTLED", `${message}; retry a little later`);
      }
      const message = `no majority of the replicas of ${name} has answered for ${waitedMs} ms`;
      return new CodedError("NOT_ENOUGH_REPLICAS", message);
    }
    return new CodedError("THROTTLED", `${bytes} bytes of ${name} are not stored yet; retry soon`);
  }

  #propose(append: {
    readonly request: ProduceRequest;
    readonly header: BatchHeader;
    readonly identity: BatchIdentity | undefined;
    readonly reply: Reply;
  }): void {
    const { request, header, identity, reply } = append;
    const { replication } = this.#state;
    const { batch } = request;
    patchBaseOffset(batch, 0, replication.nextOffset);
    patchLeaderEpoch(batch, 0, replication.term);
    const answer = replication.propose({ kind: "data", payload: batch, span: header.recordCount });
    if (!answer.ok) throw this.#refused(answer.reason);
    const { index, term, baseOffset } = answer;
    if (identity !== undefined) this.#producers.propose(identity, baseOffset);
    const pending: PendingAppend = {
      index,
      term,
      baseOffset,
      sizeBytes: batch.byteLength,
      proposedAtMs: this.#clock.monotonicMs(),
      waiters: new Set(),
    };
    this.#queue.push(pending);
    if (request.acks === "none") reply.resolve(this.#result(baseOffset, term, false));
    else this.#wait(pending, request, { reply, duplicate: false });
  }

  #refused(reason: string): CodedError {
    const { name } = this.#state;
    if (reason === "overloaded") return this.#overloaded();
    if (reason === "transferring") {
      return new CodedError("LEADER_NOT_AVAILABLE", `${name} is being handed over; retry`);
    }
    return notLeader(this.#state);
  }

  #wait(
    pending: PendingAppend,
    request: ProduceRequest,
    call: { readonly reply: Reply; readonly duplicate: boolean },
  ): void {
    const { reply, duplicate } = call;
    const waiter: AppendWaiter = {
      acks: request.acks === "leader" ? "leader" : "all",
      onStored: ({ baseOffset, term }) => {
        this.#deadlines.remove(deadline);
        reply.resolve(this.#result(baseOffset, term, duplicate));
      },
      onLost: () => {
        this.#deadlines.remove(deadline);
        reply.reject(outcomeUnknown(this.#state));
      },
    };
    const deadline = this.#deadlines.add(request.timeoutMs, () => {
      pending.waiters.delete(waiter);
      const message = `${this.#state.name} did not store the batch within ${request.timeoutMs} ms`;
      reply.reject(new CodedError("REQUEST_TIMED_OUT", `${message}; it may still do so`));
    });
    pending.waiters.add(waiter);
  }

  #result(baseOffset: number, leaderEpoch: number, duplicate: boolean): ProduceResult {
    const { logStartOffset } = this.#state.log;
    return { baseOffset, leaderEpoch, logStartOffset, duplicate };
  }
}

/** The producer's part of a header, or undefined for a batch without one. */
export function identityOf(header: {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordCount: number;
}): BatchIdentity | undefined {
  if (header.producerId < 0 || header.baseSequence < 0) return undefined;
  return {
    producerId: header.producerId,
    epoch: header.producerEpoch,
    firstSequence: header.baseSequence,
    recordCount: header.recordCount,
  };
}
