import { assert } from "@stratalog/base";

/** Where a record was acknowledged. */
export interface LedgerEntry {
  readonly partition: number;
  readonly offset: bigint;
}

/** The longest time without an acknowledgement. */
export interface AckGap {
  readonly durationMs: number;
  readonly partition: number;
}

/**
 * Every acknowledged write of the tour by its sequence, and, while watched, the longest time that
 * each partition went without one. Invariant: a sequence is acknowledged at most once.
 */
export class AckLedger {
  readonly #entries: (LedgerEntry | undefined)[] = [];
  #count = 0;
  #lastAckMs: number[] | undefined;
  #gap: AckGap = { durationMs: 0, partition: 0 };

  /** Number of acknowledged writes. */
  get count(): number {
    return this.#count;
  }

  entry(sequence: number): LedgerEntry | undefined {
    return this.#entries[sequence];
  }

  note(sequence: number, entry: LedgerEntry, nowMs: number): void {
    assert(this.#entries[sequence] === undefined, `write ${sequence} acknowledged twice`);
    this.#entries[sequence] = entry;
    this.#count += 1;
    const lastMs = this.#lastAckMs?.[entry.partition];
    if (this.#lastAckMs === undefined || lastMs === undefined) return;
    this.#noteGap(entry.partition, nowMs - lastMs);
    this.#lastAckMs[entry.partition] = nowMs;
  }

  /** Begins to look for gaps in `partitionCount` partitions. */
  watch(partitionCount: number, nowMs: number): void {
    this.#lastAckMs = Array.from({ length: partitionCount }, () => nowMs);
    this.#gap = { durationMs: 0, partition: 0 };
  }

  /** The longest gap since `watch`, counting those that are still open. */
  longestGap(nowMs: number): AckGap {
    for (const [partition, lastMs] of (this.#lastAckMs ?? []).entries()) {
      this.#noteGap(partition, nowMs - lastMs);
    }
    return this.#gap;
  }

  /** Whether every watched partition had an acknowledgement after this moment. */
  isPastEverywhere(momentMs: number): boolean {
    return (this.#lastAckMs ?? []).every((lastMs) => lastMs > momentMs);
  }

  #noteGap(partition: number, durationMs: number): void {
    if (durationMs > this.#gap.durationMs) this.#gap = { durationMs, partition };
  }
}
