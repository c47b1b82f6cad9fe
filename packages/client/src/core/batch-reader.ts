import { CodedError } from "@stratalog/base";
import type { RecordCursor } from "@stratalog/record-batch";
import { ConsumedRecord, type RecordOrigin } from "./consumed-record.ts";

/** Which records of a batch are wanted: offsets in [from, to). */
export interface ReadRange {
  readonly from: number;
  readonly to: number;
}

/** Reads the wanted records of one batch, one by one. */
export class BatchReader<Key, Value> {
  readonly #origin: RecordOrigin<Key, Value>;
  readonly #cursor: RecordCursor;
  readonly #range: ReadRange;

  constructor(origin: RecordOrigin<Key, Value>, cursor: RecordCursor, range: ReadRange) {
    this.#origin = origin;
    this.#cursor = cursor;
    this.#range = range;
  }

  /** The next record; undefined at the end. Throws CORRUPT_BATCH when the bytes do not hold. */
  next(): ConsumedRecord<Key, Value> | undefined {
    const cursor = this.#cursor;
    while (cursor.next()) {
      if (cursor.offset < this.#range.from) continue;
      if (cursor.offset >= this.#range.to) return undefined;
      return new ConsumedRecord(this.#origin, cursor);
    }
    if (cursor.isCorrupt) {
      const { topic, partition } = this.#origin;
      throw new CodedError("CORRUPT_BATCH", `a batch of ${topic}/${partition} is damaged`, {
        details: { topic, partition, offset: this.#range.from },
      });
    }
    return undefined;
  }
}
