import { assert, type CodedError, type ErrorCode } from "@stratalog/base";
import { type ProduceBatch, type ProducerIdentity, sequenceAfter } from "./produce-batch.ts";

/** What a lane decides about a batch that failed. */
export type FailureVerdict = "retry" | "give-up";

/** How a lane sends. */
export interface LaneOptions {
  readonly isIdempotent: boolean;
  /** Batches on their way at once; the broker remembers the last five of a producer. */
  readonly maxInFlight: number;
}

/** Codes after which the broker has certainly not stored the batch, although it may come again. */
const BROKEN_ORDER: readonly ErrorCode[] = ["OUT_OF_ORDER_SEQUENCE", "INVALID_PRODUCER_EPOCH"];

/**
 * The batches of one producer for one partition, in order. Keeps the promise that records are
 * stored in the order of sending, each once:
 *
 * 1. Batches carry consecutive sequence numbers; up to `maxInFlight` are on their way. Only one is
 *    before any is stored under an identity: a broker takes whatever number comes first from a
 *    producer that it does not know, so that the second would pass by a first that it refused.
 * 2. When one fails for a passing reason, nothing new is sent until all that are on their way have
 *    come back; then the failed ones go again, in order, under their old numbers. Those behind it
 *    come back as out of order, or as stored if the failed one had been stored after all.
 * 3. When one is given up, its numbers are free again and those behind it are numbered anew. But a
 *    batch that may have been stored goes again under its old number first, because a new number
 *    would store it twice.
 * 4. When the broker does not accept the numbers although none is missing, or a batch of unknown
 *    outcome is given up, the lane asks for a new identity and starts at 0.
 *
 * Invariant: `#batches` is in sending order; sequence numbers in it ascend without gaps, except
 * across a batch that was given up, until rule 3 closes the gap.
 */
export class ProduceLane {
  readonly #options: LaneOptions;
  #batches: ProduceBatch[] = [];
  #identity: ProducerIdentity | undefined;
  #nextSequence = 0;
  #sentCount = 0;
  /** Something is stored under the identity: the broker knows which number is next. */
  #isKnown = false;
  #reset: "none" | "rewind" | "new-identity" = "none";
  #rewindSequence = 0;
  /** Earliest time of the next send after a failure, on the caller's clock. */
  retryAtMs = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
  }

  get batchCount(): number {
    return this.#batches.length;
  }

  get inFlightCount(): number {
    return this.#sentCount;
  }

  /** Whether the lane can do nothing until `setIdentity`. */
  get needsIdentity(): boolean {
    if (!this.#options.isIdempotent) return false;
    if (this.#identity === undefined) return true;
    return this.#reset === "new-identity" && this.#sentCount === 0 && !this.#hasDoubtful();
  }

  /** Batches in order, oldest first. */
  batches(): readonly ProduceBatch[] {
    return this.#batches;
  }

  /** Gives the lane a fresh identity: its numbers start at 0. */
  setIdentity(identity: ProducerIdentity): void {
    assert(this.needsIdentity, "identity for a lane that has one");
    this.#identity = identity;
    this.#isKnown = false;
    this.#reset = "none";
    this.#renumber(0);
  }

  /** Takes the numbers of the next batch to close; −1 when the lane has none to give. */
  takeSequence(recordCount: number): number {
    if (this.#identity === undefined) return -1;
    const sequence = this.#nextSequence;
    this.#nextSequence = sequenceAfter(sequence, recordCount);
    return sequence;
  }

  /** The identity in force. */
  get identity(): ProducerIdentity | undefined {
    return this.#identity;
  }

  add(batch: ProduceBatch): void {
    this.#batches.push(batch);
  }

  /**
   * Carries out what waits for the lane to be quiet. Numbers may change: who sends a batch compares
   * what its bytes say.
   */
  settle(): void {
    if (this.#sentCount > 0) return;
    for (const batch of this.#batches) if (batch.phase === "failed") batch.phase = "ready";
    if (this.#reset !== "rewind" || this.#hasDoubtful()) return;
    this.#reset = "none";
    this.#renumber(this.#rewindSequence);
  }

  /** The next batch to send, marked as sent; undefined when none may go now. */
  nextToSend(nowMs: number): ProduceBatch | undefined {
    if (nowMs < this.retryAtMs || this.needsIdentity) return undefined;
    const { isIdempotent, maxInFlight } = this.#options;
    if (this.#sentCount >= (isIdempotent && !this.#isKnown ? 1 : maxInFlight)) return undefined;
    const isForDoubtful = this.#reset !== "none" || (isIdempotent && this.#hasDoubtful());
    for (const batch of this.#batches) {
      if (batch.phase === "sent") continue;
      // Doubtful batches go first, alone, under their old numbers: the broker remembers the last
      // few, and would not know them again once others are stored behind them.
      if (isForDoubtful && !batch.mayBeStored) continue;
      // One that failed waits until the lane is quiet, and those behind it wait for it.
      if (batch.phase !== "ready") return undefined;
      batch.phase = "sent";
      batch.sentMs = nowMs;
      batch.attempts++;
      this.#sentCount++;
      return batch;
    }
    return undefined;
  }

  /** A batch is stored. */
  onStored(batch: ProduceBatch): void {
    this.#isKnown = true;
    this.#leave(batch);
    this.#remove(batch);
    // Numbers through it are in use: the gap, if it lay before, is closed. One from before the gap,
    // whose first answer was lost, moves nothing: numbers between it and the gap are in use too.
    const after = this.#afterOf(batch);
    if (this.#reset === "rewind" && isLater(after, this.#rewindSequence)) {
      this.#rewindSequence = after;
    }
  }

  /** A send of a batch failed. */
  onFailed(batch: ProduceBatch, error: CodedError): FailureVerdict {
    const isFirst = this.#batches[0] === batch;
    this.#leave(batch);
    batch.lastError = error;
    if (error.outcomeUnknown) batch.mayBeStored = true;
    if (this.#options.isIdempotent && BROKEN_ORDER.includes(error.code)) {
      batch.mayBeStored = false;
      const isExplained = this.#reset !== "none" || !isFirst;
      if (!isExplained) this.#reset = "new-identity";
      return this.#retry(batch);
    }
    if (error.retriable) return this.#retry(batch);
    this.giveUp(batch);
    return "give-up";
  }

  /** Drops a batch that is not on its way; its numbers must not leave a gap. */
  giveUp(batch: ProduceBatch): void {
    assert(batch.phase !== "sent", "giving up a batch that is on its way");
    this.#remove(batch);
    if (!this.#options.isIdempotent || batch.sequence < 0) return;
    if (batch.mayBeStored) this.#reset = "new-identity";
    if (this.#reset !== "none") return;
    this.#reset = "rewind";
    this.#rewindSequence = batch.sequence;
  }

  #retry(batch: ProduceBatch): "retry" {
    batch.phase = "failed";
    return "retry";
  }

  #leave(batch: ProduceBatch): void {
    if (batch.phase === "sent") this.#sentCount--;
    batch.phase = "failed";
  }

  #remove(batch: ProduceBatch): void {
    const index = this.#batches.indexOf(batch);
    if (index >= 0) this.#batches.splice(index, 1);
  }

  #hasDoubtful(): boolean {
    for (const { mayBeStored, attempts } of this.#batches) {
      if (mayBeStored) return true;
      // Batches go out in order: none behind it was ever sent.
      if (attempts === 0) return false;
    }
    return false;
  }

  #afterOf(batch: ProduceBatch): number {
    return sequenceAfter(batch.sequence, batch.recordCount);
  }

  #renumber(firstSequence: number): void {
    let sequence = firstSequence;
    for (const batch of this.#batches) {
      batch.sequence = sequence;
      sequence = this.#afterOf(batch);
    }
    this.#nextSequence = sequence;
  }
}

/** Numbers wrap after 2^31 - 1; those of one lane lie far closer together than half of that. */
function isLater(sequence: number, than: number): boolean {
  const distance = sequence - than;
  return distance > 0 ? distance < 2 ** 30 : distance < -(2 ** 30);
}
