import { CodedError } from "@stratalog/base";
import {
  baseSequenceOf,
  type BatchHeader,
  decodeBatch,
  patchBaseOffset,
  readBatchHeader,
  recordCountOf,
  validateBatch,
} from "@stratalog/record-batch";

/** What an append came to. */
export interface FakeAppend {
  readonly baseOffset: number;
  readonly duplicate: boolean;
}

interface Remembered {
  readonly sequence: number;
  readonly count: number;
  readonly baseOffset: number;
}

const REMEMBERED_MAX = 5;

/** A partition's log with the broker's rules for idempotent producers, in memory. */
export class FakePartition {
  readonly batches: Uint8Array[] = [];
  readonly #producers = new Map<number, Remembered[]>();
  end = 0;
  start = 0;
  leader: number;
  leaderEpoch = 1;

  constructor(leader: number) {
    this.leader = leader;
  }

  /** Appends a batch as a leader does. Throws CodedError. */
  append(bytes: Uint8Array, expectedOffset: number | undefined): FakeAppend {
    const validation = validateBatch(bytes, { maxBytes: 1 << 20 });
    if (!validation.ok) throw new CodedError(validation.code, validation.message);
    const { header } = validation;
    const duplicate = this.#checkSequence(header);
    if (duplicate !== undefined) return { baseOffset: duplicate, duplicate: true };
    if (expectedOffset !== undefined && expectedOffset !== this.end) {
      throw new CodedError("WRONG_EXPECTED_OFFSET", `the partition ends at ${this.end}`, {
        details: { actualOffset: this.end },
      });
    }
    const baseOffset = this.end;
    const stored = bytes.slice();
    patchBaseOffset(stored, 0, baseOffset);
    this.batches.push(stored);
    this.end += header.recordCount;
    if (header.producerId >= 0) this.#remember(header, baseOffset);
    return { baseOffset, duplicate: false };
  }

  /** Whole batches that hold offsets from `offset` on. */
  read(offset: number): readonly Uint8Array[] {
    return this.batches.filter((batch) => {
      const { baseOffset, lastOffsetDelta } = readBatchHeader(batch, 0);
      return baseOffset + lastOffsetDelta >= offset;
    });
  }

  /** Offset of the first record at or after a time; the end when there is none. */
  offsetAt(timestampMs: number): number {
    for (const batch of this.batches) {
      for (const record of decodeBatch(batch)) {
        if (record.timestampMs >= timestampMs) return record.offset;
      }
    }
    return this.end;
  }

  #checkSequence(header: BatchHeader): number | undefined {
    const { producerId, baseSequence, recordCount } = header;
    if (producerId < 0) return undefined;
    const known = this.#producers.get(producerId) ?? [];
    const same = known.find((b) => b.sequence === baseSequence && b.count === recordCount);
    if (same !== undefined) return same.baseOffset;
    const last = known.at(-1);
    if (last !== undefined && last.sequence + last.count !== baseSequence) {
      throw new CodedError(
        "OUT_OF_ORDER_SEQUENCE",
        `sequence ${baseSequence} after ${last.sequence + last.count - 1}`,
      );
    }
    return undefined;
  }

  #remember(header: BatchHeader, baseOffset: number): void {
    const { producerId, baseSequence: sequence, recordCount: count } = header;
    const known = this.#producers.get(producerId) ?? [];
    known.push({ sequence, count, baseOffset });
    this.#producers.set(producerId, known.slice(-REMEMBERED_MAX));
  }
}

/** Sequence numbers of stored batches, for tests that look at them. */
export function storedSequences(partition: FakePartition): readonly (readonly number[])[] {
  return partition.batches.map((batch) => [baseSequenceOf(batch, 0), recordCountOf(batch, 0)]);
}
